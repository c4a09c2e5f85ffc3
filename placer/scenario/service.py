"""The whole service: prefill beside decode, time to first token, and what may not be used for it."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.quantity import BytesPerSecond, Seconds


class Mode(StrEnum):
    """A way to serve; all are in the declared space unless forbidden.

    The first two say where prompts are computed, the others how decode lies on the fleet.
    """

    COLOCATED = "colocated"
    DISAGGREGATED = "disaggregated"
    AFD = "afd"
    PARTIAL_RESIDENCY = "partial-residency"
    ALL_IN_SRAM = "all-in-sram"


class Service(BaseModel):
    """What a plan of the whole service must deliver beyond decode.

    Prompts wait, are computed in chunks, and their KV cache travels to the devices that decode: the sum is the time to
    first token.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ttft: Seconds | None = Field(default=None, description="most mean time to first token, such as 2 s; null = any")
    ttft_p99: Seconds | None = Field(default=None, description="most 99th percentile of it; null = any")
    prefix_hit_rate: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="share of a prompt's tokens whose KV cache is found"
    )
    prefix_bandwidth: BytesPerSecond | None = Field(
        default=None,
        description="rate at which a device loads the KV cache that was found, such as 40 GB/s; null = it is there",
    )
    max_prefill_load: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.8, description="most share of the time prefill may be busy, where no percentile asks for less"
    )
    forbidden_modes: tuple[Mode, ...] = Field(default=(), description="modes a plan may not use")

    def allows(self, mode: Mode) -> bool:
        """Return whether a plan may use a mode."""
        return mode not in self.forbidden_modes

    @property
    def longest_alone_s(self) -> float:
        """Longest time to first token of a prompt that does not wait; infinite where any is allowed."""
        return min((limit for limit in (self.ttft, self.ttft_p99) if limit is not None), default=math.inf)

    def is_in_time(self, ttft_s: float, ttft_p99_s: float) -> bool:
        """Return whether first tokens with such a mean and 99th percentile keep the limits."""
        mean_holds = self.ttft is None or ttft_s <= self.ttft
        return mean_holds and (self.ttft_p99 is None or ttft_p99_s <= self.ttft_p99)

    def new_tokens(self, input_tokens: int) -> int:
        """Return the tokens of a prompt that must be computed: at least the last one.

        >>> Service(prefix_hit_rate=0.5).new_tokens(4001), Service(prefix_hit_rate=0.9).new_tokens(1)
        (2001, 1)
        """
        return max(1, input_tokens - int(self.prefix_hit_rate * input_tokens))
