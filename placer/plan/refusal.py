"""Why there is no plan, and what would change that."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Relief(BaseModel):
    """One change after which a plan exists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    change: str = Field(description="what to change, such as target.tokens_per_s_per_user")
    value: float
    unit: str
    text: str


class Refusal(BaseModel):
    """A smallest set of constraints that cannot hold together: without any one of them there is a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    conflict: tuple[str, ...]
    reason: str
    nearest: tuple[Relief, ...] = ()
