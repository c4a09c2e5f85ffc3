"""Where the KV cache of paused sessions waits on the devices of a plan, and what a pause costs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.placement import Role

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, le=1)]


class Decision(StrEnum):
    """What brings a session back; ``recompute`` in a tier's row says that reloading from it takes longer."""

    STAY = "stay"
    RELOAD = "reload"
    RECOMPUTE = "recompute"


class Holder(BaseModel):
    """What a device of a stage keeps of one session, and what the plan leaves free on it.

    All devices of a stage are alike; where data-parallel ranks have unequally many sequences, the fullest counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="which group of a replica")
    stage: Count = Field(description="stage of the group, from 0")
    ranks: Positive = Field(description="data-parallel ranks that sessions are dealt to, all replicas")
    layers: Positive = Field(description="layers that keep something of a session, those of a draft model included")
    session_tokens: Positive = Field(description="tokens of a session's pages")
    device_bytes: Positive = Field(description="what each device keeps of a session where ops run")
    whole_bytes: Positive = Field(description="what the tensor-parallel ranks keep of it, every byte once")
    draft_weights_bytes: Count = Field(description="weights of the draft model on each device; 0 where there is none")
    free_bytes: int = Field(
        description="left in the compute tier beside weights, buffers and the KV cache of all sequences in flight; "
        "negative where a draft model does not fit beside the plan"
    )


class Kept(BaseModel):
    """What waits in one tier of a device of a stage, on the data-parallel rank with the most sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="which group of a replica")
    stage: Count = Field(description="stage of the group, from 0")
    tier: str = Field(description="tier of the device")
    room_bytes: Amount = Field(description="what the tier has for sessions")
    session_bytes: Amount = Field(
        description="bytes of one session: copies included where ops run; below, one copy over the tensor-parallel "
        "ranks, compressed"
    )
    capacity_sessions: Count = Field(description="sessions of a data-parallel rank that fit")
    traffic_sessions: Count | None = Field(
        description="sessions of a rank that the tier brings back in time as long as they think; null = any number"
    )
    reload_s: Amount = Field(description="time in which the device reads back what it keeps of a session")
    break_even_bytes_per_s: Amount | None = Field(
        description="bandwidth at which that takes as long as recompute; null = none, or where ops run"
    )
    sessions: Count = Field(description="sessions that wait here")
    held_bytes: Amount = Field(description="their bytes")
    held_tokens: Count = Field(description="their tokens, in whole pages")


class Place(BaseModel):
    """A place where sessions wait: the tier ops run from, one below it, or nowhere (``recompute``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="tier, those of two groups joined by +, or recompute")
    decision: Decision = Field(description="what brings a session back soonest")
    limit: Count | None = Field(description="sessions that fit and are served, all replicas; null = any number")
    sessions: Count = Field(description="sessions that wait here, all replicas")
    resume_s: Amount = Field(description="time until a session is back, by reload or recompute")
    cost_s: Amount = Field(description="what a pause costs here, in seconds of a data-parallel rank")
    cost_usd: Amount = Field(description="the same in rent")
    hit_rate: Rate = Field(description="share of all turns but first ones that go on from what was kept here")
    kept: tuple[Kept, ...] = Field(default=(), description="what lies where, stage by stage; empty for recompute")


class PausedSessions(BaseModel):
    """Paused sessions of a plan, in what the plan leaves free: nothing of this enters its price or its bound."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sessions: Count = Field(description="sessions paused at once, all replicas")
    context_tokens: Positive = Field(description="tokens of a session at its pause: the capacity context")
    recompute_s: Amount = Field(
        description="time to compute a session again on its rank, at the devices' MFU: busiest stage, prompt streamed"
    )
    holders: Annotated[tuple[Holder, ...], Field(min_length=1)] = Field(description="stages that keep something")
    places: Annotated[tuple[Place, ...], Field(min_length=1)] = Field(
        description="where sessions may wait, all of them"
    )
    hit_rate: Rate = Field(description="share of all turns but first ones that go on from what was kept")
    pause_cost_s: Amount = Field(description="mean cost of a pause, in seconds of a data-parallel rank")
    pause_cost_usd: Amount = Field(description="the same in rent")
