"""The contents of ``placer kv-tiers --json``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.scenario.sessions import Sessions

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, le=1)]


class TierAnswer(BaseModel):
    """A place where paused sessions wait: the tier ops run from, one below it, or nowhere (recompute)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: str = Field(description="tier, or recompute")
    capacity_sessions: Count | None = Field(description="sessions of a rank that fit; null = nothing is kept")
    traffic_sessions: Count | None = Field(
        description="sessions it can bring back in time as long as they think; null = any number"
    )
    resume_s: Amount = Field(description="time until a session is back, by reload or recompute")
    recompute_s: Amount = Field(description="time to compute the session again")
    reload_wins: bool = Field(description="whether it is back sooner than computed again")
    break_even_bytes_per_s: Amount | None = Field(
        description="bandwidth of a device at which both take equally long; null = none, or no tier below"
    )
    break_even_context: int | None = Field(
        description="least context, in whole pages, from which on reload wins; null = none, or no tier below"
    )
    break_even_think_s: Amount | None = Field(
        description="pause beyond which it beats waiting where ops run; null = never, or that place itself"
    )
    cost_s: Amount = Field(description="what a pause costs there, in seconds of the rank")
    cost_usd: Amount = Field(description="the same in rent")
    sessions: Count = Field(description="paused sessions that wait there")
    hit_rate: Rate = Field(description="share of all turns but first ones that go on from what was kept there")


class CpAnswer(BaseModel):
    """Decode attention of all layers with the KV cache of every sequence split over ranks; no draft model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cp: Annotated[int, Field(ge=1)] = Field(description="ranks a sequence is split over")
    batch: Annotated[int, Field(ge=1)] = Field(description="sequences decoded at once")
    sequence_bytes: Amount = Field(description="KV cache of a sequence on each device")
    alone_s: Amount = Field(description="attention of a step on one rank that holds all sequences")
    split_s: Amount = Field(description="with all sequences split, merging included; layers where it does not pay stay")
    dealt_s: Amount = Field(description="with whole sequences dealt to as many ranks")
    split_layers: Count = Field(description="layers where splitting pays against one rank")
    pays: bool = Field(description="whether it beats one rank")
    pays_against_dealing: bool = Field(description="whether it also beats dealing whole sequences to as many ranks")
    break_even_context: int | None = Field(
        description="least context, in whole pages, from which on it beats one rank; null = none"
    )
    break_even_context_against_dealing: int | None = Field(
        description="the same against dealing whole sequences; null = none"
    )


class KvTiersAnswer(BaseModel):
    """Where the KV cache of paused sessions should wait."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    model: str
    draft: str | None = Field(description="draft model, whose KV cache, weights and prefill are counted")
    device: str
    fleet: str = Field(description="where links and prices are from")
    price_basis: str = Field(description="of all rents")
    tp: Count = Field(description="devices of a rank")
    dp: Count = Field(description="ranks that share the experts")
    context: Count = Field(description="tokens of a session at its pause")
    kv_format: str
    workload: Sessions
    paused: Count = Field(description="sessions paused at once on a rank")
    session_bytes: Amount = Field(description="KV cache of a session, every byte once, pages whole")
    device_bytes: Amount = Field(description="what each device keeps of it")
    copies: Amount = Field(description="copies over the tensor-parallel ranks")
    room_bytes: Amount = Field(description="room for KV cache on each device, beside weights and reserve")
    prefill_tokens_per_s: Amount = Field(description="of a rank, mean over the context, at the devices' MFU")
    tiers: tuple[TierAnswer, ...]
    policy: str = Field(description="where sessions wait, in words")
    pause_cost_s: Amount = Field(description="mean cost of a pause under the policy, in seconds of the rank")
    pause_cost_usd: Amount
    context_parallel: tuple[CpAnswer, ...] = ()
    estimates: tuple[str, ...] = Field(description="figures that are guesses")
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return JSON text with a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"
