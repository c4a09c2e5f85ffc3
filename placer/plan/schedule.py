"""In which order the microbatches of a replica use its stages."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Order(StrEnum):
    """Which of the microbatches that wait for a device or port goes first."""

    OLDEST = "oldest"
    ARRIVAL = "arrival"
    TIMETABLE = "timetable"


class Schedule(BaseModel):
    """How microbatches share a replica.

    ``oldest`` prefers the microbatch whose step began first, ``arrival`` the one that waits longest. ``timetable``
    serves every device and port in a fixed order, that of a timetable all microbatches follow one after the other
    (``placer.simulate.timetable`` derives it from the placement). ``window`` is how many a stage takes in at once:
    1 runs them one after the other, null takes in all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: Order = Field(default=Order.OLDEST, description="which microbatch goes first: oldest, arrival or timetable")
    window: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="microbatches a stage takes in at once; null = all"
    )

    @property
    def label(self) -> str:
        """A few words for people."""
        taken_in = "all microbatches at once" if self.window is None else f"{self.window} microbatch(es) at once"
        first = {
            Order.OLDEST: "oldest step first",
            Order.ARRIVAL: "first come first served",
            Order.TIMETABLE: "by timetable",
        }[self.order]
        return f"{first}, a stage takes in {taken_in}"
