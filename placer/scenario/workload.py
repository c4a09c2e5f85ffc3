"""What users send, what they expect, and what may be spent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from placer.catalog.quantity import UsdPerHour, Watts
from placer.scenario.routing import UNIFORM, RoutingProfile
from placer.scenario.sessions import Sessions

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
    sessions: Sessions | None = Field(
        default=None, description="sessions of several turns; null = every request stands alone"
    )

    @model_serializer(mode="wrap")
    def _without_absent_sessions(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave sessions out where there are none: hashes of workloads written before there were any still hold."""
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if name != "sessions" or value is not None}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the fields, which a serializer of its own would hide."""
        return handler({name: value for name, value in core_schema.items() if name != "serialization"})

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
    power_cap: Watts | None = Field(default=None, description="most power of all rented devices, PUE included")
    cost_cap: UsdPerHour | None = Field(default=None, description="most rent")
    required_pools: tuple[str, ...] = Field(default=(), description="pools every replica must use")

    @property
    def step_time_s(self) -> float:
        """Longest allowed time between two tokens of a user [s]."""
        return 1.0 / self.tokens_per_s_per_user
