"""What a plan achieves, what is proven, and where memory and time go."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.device import TierKind
from placer.plan.placement import Role

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Metrics(BaseModel):
    """Predicted performance at full load.

    ``step_time_s`` is the achieved one, simulated with the plan's schedule; all other figures follow from it.
    ``law_step_time_s`` is ``max(path, m * busiest, turns)``, which no schedule of the declared space can beat.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd_per_million_output_tokens: Figure = Field(
        description="price of output tokens: cost per hour over tokens paid for"
    )
    tokens_per_s_per_user: Figure = Field(description="interactivity reached: one over the step time")
    tokens_per_s: Figure = Field(description="tokens paid for: what is produced, or the fleet target if there is one")
    capacity_tokens_per_s: Figure = Field(description="what all replicas produce at full load")
    step_time_s: Figure = Field(description="time between two tokens of a user, simulated")
    law_step_time_s: Figure = Field(description="the longest of path, busiest resource and turns of the fullest stage")
    usd_per_hour: Figure = Field(description="rent of all devices, idle ones of rented units included")
    power_w: Figure = Field(description="power of all rented devices, PUE included")
    joules_per_token: Figure = Field(description="power, PUE included, over the tokens per second that are sold")
    tokens_per_s_per_mw: Figure | None = Field(
        default=None,
        description="tokens per second at full load over megawatts, PUE included; null in plans of earlier versions",
    )
    users: Annotated[int, Field(ge=1, description="sequences decoded at once, all replicas")]
    requests_per_s: Figure | None = Field(
        default=None, description="requests paid for; this and all below only where prefill is planned"
    )
    ttft_s: Figure | None = Field(default=None, description="mean time to first token: wait, prefill, KV transfer")
    ttft_p99_s: Figure | None = Field(default=None, description="99th percentile of the time to first token")
    usd_per_million_input_tokens: Figure | None = Field(
        default=None, description="price of input tokens, those found in a cache included: their share of the rent"
    )
    usd_per_request: Figure | None = Field(
        default=None, description="price of a request, input and output tokens: what is minimised"
    )


class Bound(BaseModel):
    """What no plan of the declared space can beat; ``relative_gap`` is ``1 - bound / achieved``.

    The bound is one on the law's step times, so it holds for simulated ones. ``law_relative_gap`` is the gap of the
    best plan by the law alone: what the search left open. The rest of ``relative_gap`` is what schedules cost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd_per_million_output_tokens: Figure = Field(description="no plan of the declared space costs less")
    relative_gap: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="1 - bound / achieved; null where there is no plan"
    )
    law_relative_gap: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="the same for the best plan by the law alone, before simulation"
    )
    usd_per_request: Figure | None = Field(
        default=None,
        description="no plan of the declared space serves a request for less; the bound on output tokens is then their "
        "share of it, as the plan splits its price",
    )


class CacheUse(BaseModel):
    """A memory tier that has nothing but KV cache and activations, on the fullest device of a group."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: TierKind = Field(description="memory tier of KV cache and activations")
    capacity_bytes: Annotated[int, Field(ge=0)] = Field(description="what the tier holds")
    reserved_bytes: Annotated[int, Field(ge=0)] = Field(description="kept by the runtime")
    free_bytes: Annotated[int, Field(ge=0)] = Field(description="what is left")


class MemoryUse(BaseModel):
    """Bytes on the fullest device of a group.

    Weights leave hot experts out; hot experts are those of split layers on the sidecar. Where KV cache and activations
    lie in a tier of their own, ``cache`` has its room; capacity, reserve and what is left are those of the weights'.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="which group of a replica")
    pool: str = Field(description="pool of the group")
    device: str = Field(description="kind of device")
    tier: TierKind = Field(description="memory tier ops run from")
    capacity_bytes: Annotated[int, Field(ge=0)] = Field(description="what the tier holds")
    reserved_bytes: Annotated[int, Field(ge=0)] = Field(description="kept by the runtime")
    weights_bytes: Annotated[int, Field(ge=0)] = Field(description="weights, less hot experts")
    hot_experts_bytes: Annotated[int, Field(ge=0)] = Field(description="experts of split layers on the sidecar")
    kv_bytes: Annotated[int, Field(ge=0)] = Field(description="KV cache of all sequences in flight")
    activations_bytes: Annotated[int, Field(ge=0)] = Field(description="hidden states and exchange buffers")
    free_bytes: Annotated[int, Field(ge=0)] = Field(description="what is left")
    cache: CacheUse | None = Field(
        default=None, description="tier of KV cache and activations; null = they lie where the weights are"
    )


class TimeShares(BaseModel):
    """Where the critical path of one microbatch goes; the parts sum to ``path_s``.

    ``floors_s`` holds everything that does not shrink with the work: kernel launches, start-up of
    collectives, link latency. The other parts leave it out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path_s: Figure = Field(description="critical path of one microbatch")
    attention_s: Figure = Field(description="attention blocks and routers")
    ffn_s: Figure = Field(description="dense FFNs and experts, with their exchange")
    embedding_and_head_s: Figure = Field(description="embedding and LM head")
    links_s: Figure = Field(description="hops between groups and stages")
    floors_s: Figure = Field(description="what does not shrink with the work")


class Occupancy(BaseModel):
    """How long a resource is busy in a step, all microbatches counted, on its busiest device or port."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str = Field(description="path, a group, a fabric, or a port and its direction")
    busy_s: Figure = Field(description="busy time in a step")


class Alternative(BaseModel):
    """The best plan without one pool; ``usd_per_million_output_tokens`` is None where there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    without_pool: str = Field(description="pool that is left out")
    usd_per_million_output_tokens: Figure | None = Field(description="price of the best plan found without it")
    bound_usd_per_million_output_tokens: Figure | None = Field(description="no plan without it costs less")
    note: str = Field(default="", description="why there is no price")
    usd_per_request: Figure | None = Field(default=None, description="price of a request, where prefill is planned")
