"""Memory beside the devices that keeps the KV cache of paused sessions: host DRAM, flash, a shared pool."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.quantity import Bytes, BytesPerSecond, Seconds
from placer.catalog.source import Source, is_estimate


class KvTier(BaseModel):
    """A tier as one device sees it: its share of the capacity, the rate at which it alone reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="what ``--tier`` calls it")
    title: str = Field(default="", description="one line for people")
    capacity: Bytes = Field(description="share of one device, such as 256 GB")
    bandwidth: BytesPerSecond = Field(description="rate at which one device reads from it, such as 55 GB/s")
    latency: Seconds = Field(description="before the first byte arrives, such as 80 us")
    sources: tuple[Source, ...] = Field(default=(), description="citations")
    notes: tuple[str, ...] = Field(default=(), description="for people")

    def estimates(self) -> tuple[str, ...]:
        """Return the figures that are guesses."""
        return tuple(name for name in ("capacity", "bandwidth", "latency") if is_estimate(name, self.sources))
