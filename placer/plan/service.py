"""The phases of a service: what prefills and how, what decodes, and how the rent is divided between them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.metrics import Figure, Metrics

Index = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class FirstToken(BaseModel):
    """What the time to first token is made of; the parts sum to ``ttft_s`` and ``ttft_p99_s``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wait_s: Figure = Field(description="mean wait of a prompt until prefill begins")
    wait_p99_s: Figure = Field(description="what 99 of 100 prompts wait at most")
    reload_s: Figure = Field(default=0.0, description="what is seen of loading KV cache that was found")
    prefill_s: Figure = Field(description="from the first chunk of a prompt to the last, where it meets no other")
    kv_transfer_s: Figure = Field(default=0.0, description="what is seen of sending KV cache to the decoding devices")

    @property
    def ttft_s(self) -> float:
        """Mean time to first token."""
        return self.wait_s + self.reload_s + self.prefill_s + self.kv_transfer_s

    @property
    def ttft_p99_s(self) -> float:
        """99th percentile of the time to first token: services are alike, waits are not."""
        return self.wait_p99_s + self.reload_s + self.prefill_s + self.kv_transfer_s


class Chunking(BaseModel):
    """How prompts pass the devices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompts: Count = Field(description="prompts side by side on a data-parallel rank; 1 where prompts are cut")
    found_tokens: Index = Field(description="tokens of a prompt whose KV cache was found")
    tokens: Annotated[tuple[Count, ...], Field(min_length=1)] = Field(description="new tokens of every chunk, in order")


class PrefillPool(BaseModel):
    """Prefill groups of one pool, all alike, which share a queue.

    Layer ``l`` of ``L`` lies on stage ``l S // L``; experts are dealt to ranks from the hottest, forth and back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pool: str = Field(description="pool of its devices")
    stages: Count = Field(description="pipeline stages of a group")
    width: Count = Field(description="devices of a stage")
    tp: Count = Field(description="tensor-parallel degree; the other width / tp ranks are data parallel")
    expert_tp: Count = Field(description="devices one routed expert is cut over")
    chunks: Chunking = Field(description="how prompts pass")
    first_devices: Annotated[tuple[tuple[Index, ...], ...], Field(min_length=1)] = Field(
        description="by group, the pool index of the first device of every stage"
    )
    held_bytes: Figure = Field(description="weights, KV cache and activations of the fullest device")
    prompt_s: Figure = Field(description="how long the busiest stage works on the prompts a group takes at a time")
    prompts_per_s: Figure = Field(description="prompts all groups serve, of those the plan serves")
    load: Share = Field(description="share of the time the busiest stages work")
    first_token: FirstToken = Field(description="what the time to first token is made of")

    @property
    def groups(self) -> int:
        """Groups of the pool."""
        return len(self.first_devices)

    @property
    def num_devices(self) -> int:
        """Devices of all groups."""
        return self.groups * self.stages * self.width


class ColocatedPrefill(BaseModel):
    """Prefill between the decode steps of the same devices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chunks: Chunking = Field(description="how prompts pass")
    decode_step_s: Figure = Field(description="a step that takes no chunk along, simulated")
    added_s: Figure = Field(description="what the chunks of a prompt add to the steps they are in, together")
    mean_step_s: Figure = Field(description="the mean step: what users get their tokens in")
    load: Share = Field(description="share of the time in which a rank's steps take chunks along")
    held_bytes: Figure = Field(description="what prompts under way and the largest chunk take on the fullest device")
    first_token: FirstToken = Field(description="what the time to first token is made of")


class DecodePhase(BaseModel):
    """The decoding replicas by themselves, prompts left out: the plan that ``--phase decode`` would verify."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics: Metrics = Field(description="what the replicas achieve and cost alone")
    devices: dict[str, int] = Field(description="rented for them alone, by pool")


class Phases(BaseModel):
    """Prefill and decode of a service.

    Rent is split by use: that of the groups that prefill goes to input tokens, that of the groups that decode to
    output tokens, and what rented units leave idle to both in proportion. Where steps do both, the share of the mean
    step that chunks add goes to input tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefill: tuple[PrefillPool, ...] = Field(default=(), description="prefill on devices of its own, by pool")
    colocated: ColocatedPrefill | None = Field(default=None, description="prefill between decode steps")
    decode: DecodePhase = Field(description="the decoding replicas by themselves")
    prefill_usd_per_hour: Figure = Field(description="rent that input tokens pay")
    decode_usd_per_hour: Figure = Field(description="rent that output tokens pay")
