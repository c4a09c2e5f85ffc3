"""Sessions of several turns: how long users think between turns, and what of their KV cache can be used again."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.quantity import Seconds


class Sessions(BaseModel):
    """Sessions whose KV cache may be kept while their users think.

    After every turn a session pauses; after the last it never comes back, which nobody knows in advance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    turns: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="turns of a session")
    think_time: Seconds = Field(description="pause between two turns, such as 60 s")
    prefix_hit_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="share of the turns that go on from what was kept; the others start anew"
    )
    compression: Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)] = Field(
        default=1.0,
        description="how much smaller a KV cache is in tiers below the one ops run from; attention reads it whole",
    )

    @property
    def return_rate(self) -> float:
        """Share of the pauses that end with another turn."""
        return (self.turns - 1) / self.turns

    @property
    def reuse_rate(self) -> float:
        """Share of the pauses after which what was kept is used."""
        return self.return_rate * self.prefix_hit_rate
