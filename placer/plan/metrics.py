"""What a plan achieves, what is proven, and where memory and time go."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.device import TierKind
from placer.plan.placement import Role

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Metrics(BaseModel):
    """Predicted performance at full load; the step time is the achieved one, not the target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd_per_million_output_tokens: Figure
    tokens_per_s_per_user: Figure
    tokens_per_s: Figure = Field(description="tokens paid for: what is produced, or the fleet target if there is one")
    capacity_tokens_per_s: Figure = Field(description="what all replicas produce at full load")
    step_time_s: Figure
    usd_per_hour: Figure
    power_w: Figure
    joules_per_token: Figure
    users: Annotated[int, Field(ge=1, description="sequences decoded at once, all replicas")]


class Bound(BaseModel):
    """What no plan of the declared space can beat; ``relative_gap`` is ``1 - bound / achieved``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd_per_million_output_tokens: Figure
    relative_gap: Annotated[float, Field(ge=0, le=1)] | None = None


class MemoryUse(BaseModel):
    """Bytes on the fullest device of a group; ``weights`` leaves ``hot_experts`` out, ``reserved`` is the runtime's.

    Hot experts are those of split layers on the sidecar.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    pool: str
    device: str
    tier: TierKind
    capacity_bytes: Annotated[int, Field(ge=0)]
    reserved_bytes: Annotated[int, Field(ge=0)]
    weights_bytes: Annotated[int, Field(ge=0)]
    hot_experts_bytes: Annotated[int, Field(ge=0)]
    kv_bytes: Annotated[int, Field(ge=0)]
    activations_bytes: Annotated[int, Field(ge=0)]
    free_bytes: Annotated[int, Field(ge=0)]


class TimeShares(BaseModel):
    """Where the critical path of one microbatch goes; the parts sum to ``path_s``.

    ``floors_s`` holds everything that does not shrink with the work: kernel launches, start-up of collectives, link
    latency. The other parts leave it out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path_s: Figure
    attention_s: Figure
    ffn_s: Figure
    embedding_and_head_s: Figure
    links_s: Figure
    floors_s: Figure


class Occupancy(BaseModel):
    """How long a resource is busy in a step, all microbatches counted, on its busiest device or port."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    busy_s: Figure


class Alternative(BaseModel):
    """The best plan without one pool; ``usd_per_million_output_tokens`` is None where there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    without_pool: str
    usd_per_million_output_tokens: Figure | None
    bound_usd_per_million_output_tokens: Figure | None
    note: str = ""
