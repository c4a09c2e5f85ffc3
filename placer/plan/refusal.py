"""Why there is no plan, and what would change that."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Relief(BaseModel):
    """One change after which a plan exists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    change: str = Field(description="what to change, such as target.tokens_per_s_per_user")
    value: float = Field(description="value that works")
    unit: str = Field(description="unit of the value")
    text: str = Field(description="the change in words")


class Refusal(BaseModel):
    """A smallest set of constraints that cannot hold together: without any one of them there is a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    conflict: tuple[str, ...] = Field(description="limits that cannot hold together")
    reason: str = Field(description="the conflict in one line")
    nearest: tuple[Relief, ...] = Field(default=(), description="changes after which a plan exists, one at a time")
