"""Traffic in numbers, as far as a file tells; ``docs/traffic.md`` defines every one."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class LengthStatistics(BaseModel):
    """Lengths of prompts or answers [tokens]; a percentile is the least length that so many per cent do not exceed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: Amount = Field(description="mean over requests [tokens]")
    standard_deviation: Amount | None = Field(default=None, description="over all requests, not a sample [tokens]")
    min: Count | None = Field(default=None, description="shortest [tokens]")
    p50: Count | None = Field(default=None, description="median [tokens]")
    p90: Count | None = Field(default=None, description="90th percentile [tokens]")
    p95: Count | None = Field(default=None, description="95th percentile [tokens]")
    p99: Count | None = Field(default=None, description="99th percentile [tokens]")
    max: Count | None = Field(default=None, description="longest [tokens]")


class ArrivalStatistics(BaseModel):
    """When requests come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    span_s: Amount | None = Field(default=None, description="from the first arrival to the last, or the run's duration")
    rate_per_s: Amount | None = Field(default=None, description="mean arrivals [1/s]")
    interarrival_cv: Amount | None = Field(
        default=None, description="coefficient of variation of the times between arrivals; 1 for a Poisson process"
    )
    dispersion_index: Amount | None = Field(
        default=None, description="variance over mean of arrivals per window; 1 for a Poisson process"
    )
    dispersion_window_s: Amount | None = Field(default=None, description="length of these windows")


class EquivalentRequest(BaseModel):
    """One length of prompt and answer that plans like the traffic: same mean answer, same mean context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_tokens: Annotated[int, Field(ge=1)] = Field(description="for --isl [tokens]")
    output_tokens: Annotated[int, Field(ge=1)] = Field(description="for --osl [tokens]")

    @property
    def options(self) -> str:
        """The options of ``placer plan``."""
        return f"--isl {self.input_tokens} --osl {self.output_tokens}"


class TrafficStatistics(BaseModel):
    """What a trace tells about a workload; null is what it cannot tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = Field(default=SCHEMA_VERSION, description="version of this schema")
    format: str = Field(description="format of the file")
    num_requests: Count | None = Field(description="requests with an answer")
    num_failed: Count | None = Field(description="requests without an answer; in no other figure")
    input_tokens: LengthStatistics = Field(description="lengths of prompts")
    output_tokens: LengthStatistics = Field(description="lengths of answers")
    mean_context: Amount | None = Field(description="tokens attended to, mean over all decode steps of all requests")
    capacity_context: Count | None = Field(description="99th percentile of input plus output [tokens]")
    prefix_hit_rate: Share | None = Field(description="share of input tokens that an endless prefix cache holds")
    arrivals: ArrivalStatistics = Field(description="when requests come")
    equivalent: EquivalentRequest = Field(description="one request that plans like the traffic")
