"""What users send, what they expect, and what may be spent."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.quantity import UsdPerHour, Watts
from placer.scenario.routing import UNIFORM, RoutingProfile

Tokens = Annotated[int, Field(ge=1, le=100_000_000)]
Rate = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]


class Workload(BaseModel):
    """Decode traffic.

    Capacity is planned for the longest context, input plus output; time for the mean one, half the output in
    (``docs/method.md``, symbols ``S_cap`` and ``S``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_tokens: Tokens = Field(description="tokens of a prompt")
    output_tokens: Tokens = Field(description="tokens of an answer")
    routing: RoutingProfile = Field(default=UNIFORM, description="how tokens spread over experts")
    utilisation: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="share of full load that is sold; scales the price"
    )

    @property
    def capacity_context(self) -> int:
        """Tokens of KV cache a sequence needs room for."""
        return self.input_tokens + self.output_tokens

    @property
    def mean_context(self) -> int:
        """Tokens attended to by the average decode step, rounded up."""
        return self.input_tokens + (self.output_tokens + 1) // 2


class Target(BaseModel):
    """What the plan must deliver and may not exceed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens_per_s_per_user: Rate = Field(description="speed every user must get")
    tokens_per_s: Rate | None = Field(default=None, description="what the fleet must serve; null = what is cheapest")
    power_cap: Watts | None = Field(default=None, description="most power of all rented devices")
    cost_cap: UsdPerHour | None = Field(default=None, description="most rent")
    required_pools: tuple[str, ...] = Field(default=(), description="pools every replica must use")

    @property
    def step_time_s(self) -> float:
        """Longest allowed time between two tokens of a user [s]."""
        return 1.0 / self.tokens_per_s_per_user
