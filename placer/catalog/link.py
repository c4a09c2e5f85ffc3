"""A kind of interconnect: bandwidth, latency, and what a collective costs to start."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.catalog.kernel import FitError
from placer.catalog.quantity import Bytes, BytesPerSecond, Efficiency, Seconds
from placer.catalog.source import Source, is_estimate


class Duplex(StrEnum):
    """Whether both directions of a link have the bandwidth at once."""

    FULL = "full"
    HALF = "half"


class StartUp(BaseModel):
    """What a collective over up to ``devices`` devices costs, before a byte moves and while bytes do.

    ``latency + ramp x/(x + ramp_bytes) + x / (efficiency W)`` for ``x`` bytes on the wire (physics A6).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    devices: Annotated[int, Field(ge=2, le=1_000_000, strict=True)] = Field(description="most devices it holds for")
    latency: Seconds = Field(description="time before a byte moves, such as 3.5 us")
    efficiency: Efficiency | None = Field(
        default=None, description="share of the bandwidth large messages reach; none = that of the link"
    )
    ramp: Seconds = Field(default=0.0, description="time lost until bytes flow at full rate")
    ramp_bytes: Bytes = Field(default=1.0, description="bytes on the wire at which half of the ramp is paid")
    error: FitError | None = Field(default=None, description="error on rows the fit did not see; none = not measured")


class Link(BaseModel):
    """A link as one device sees it.

    ``bandwidth`` is per device and direction; ``efficiency`` is the share of it that transfers reach;
    ``latency`` is one way for a small message. A collective starts in the time of the smallest entry that
    covers its devices, and in ``latency`` where there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="what pools and cross links call it")
    title: str = Field(default="", description="one line for people")
    bandwidth: BytesPerSecond = Field(description="per device and direction, such as 450 GB/s")
    latency: Seconds = Field(description="one way, small message, such as 1 us")
    efficiency: Efficiency = Field(default=1.0, description="share of the bandwidth that transfers reach")
    duplex: Duplex = Field(default=Duplex.FULL, description="half: both directions share the bandwidth")
    all_reduce: tuple[StartUp, ...] = Field(
        default=(), description="start-up by number of devices, also of all-gathers"
    )
    all_to_all: tuple[StartUp, ...] = Field(default=(), description="start-up by number of devices")
    sources: tuple[Source, ...] = Field(default=(), description="citations")
    notes: tuple[str, ...] = Field(default=(), description="for people")

    @model_validator(mode="after")
    def _is_sorted(self) -> Link:
        for table in (self.all_reduce, self.all_to_all):
            sizes = [entry.devices for entry in table]
            if sizes != sorted(set(sizes)):
                raise ValueError(f"collective start-up times must be listed by growing devices, got {sizes}")
        return self

    @property
    def effective_bytes_per_s(self) -> float:
        """Bandwidth a transfer reaches, per device and direction."""
        return self.bandwidth * self.efficiency

    def start_up(self, table: tuple[StartUp, ...], num_devices: int) -> StartUp:
        """Return what a collective over ``num_devices`` costs: the smallest entry that covers them, or the largest."""
        for entry in table:
            if num_devices <= entry.devices:
                return entry
        return table[-1] if table else StartUp.model_construct(devices=max(2, num_devices), latency=self.latency)

    def estimates(self) -> tuple[str, ...]:
        """Return the figures that are guesses."""
        names = ["bandwidth", "latency", "efficiency"]
        names += ["all_reduce"] if self.all_reduce else []
        names += ["all_to_all"] if self.all_to_all else []
        return tuple(name for name in names if is_estimate(name, self.sources))
