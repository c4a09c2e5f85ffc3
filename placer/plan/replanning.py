"""What re-placement says: the moves in order, what they cost, and what they are worth."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.placement import Role

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]

#: Where experts come from that nobody alive has.
STORAGE = "storage"
#: What a device reads from storage where nobody says [B/s]: an NVMe drive, rounded down; an assumption.
STORAGE_BYTES_PER_S = 5e9


class Shares(StrEnum):
    """How the tokens of an expert are split over its copies.

    ``even``: every copy serves as many. ``weighted``: as makes the fullest rank as empty as it can be.
    """

    EVEN = "even"
    WEIGHTED = "weighted"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimedStep(_Model):
    """One step: a copy, an eviction, or a stay in a buffer; times count from the first step."""

    layer: Count = Field(description="layer of the model")
    action: str = Field(description="copy, evict, stage (into a buffer) or settle (from there into a slot)")
    expert: Count = Field(description="number of the expert")
    target: str = Field(description="first device of the rank it happens on")
    source: str | None = Field(default=None, description="first device of the rank it comes from, or storage")
    link: str | None = Field(default=None, description="link it crosses")
    bytes: Count = Field(default=0, description="bytes that cross it, all devices of the rank")
    start_s: Figure = Field(description="when it starts")
    end_s: Figure = Field(description="when it is done")


class Balance(_Model):
    """Load of the fullest expert rank over the mean of the ranks that are alive, in this routing."""

    before: Figure = Field(description="of the old layout, lost ranks included")
    after: Figure = Field(description="of the new layout")
    fresh: Figure = Field(description="of a layout made from nothing")


class LayerMoves(_Model):
    """The new layout of some layers that share it."""

    layers: tuple[int, ...] = Field(description="layers of the model")
    layout: str = Field(description="name of the layout in the plan these layers had")
    moves: Count = Field(description="copies on a rank that did not have them, in each of the layers")
    lower_bound_moves: Count = Field(description="no layout as balanced moves less; proven")
    restored: Count = Field(description="experts nobody alive had")
    is_balanced: bool = Field(description="whether the fullest rank is within 1 % of a fresh layout's")
    staged: Count = Field(description="most experts that wait in buffers of one rank at once")
    balance: Balance = Field(description="how even the ranks are")
    experts_by_rank: tuple[tuple[int, ...], ...] = Field(description="experts of every rank of the group's devices")
    shares_by_rank: tuple[tuple[Figure, ...], ...] = Field(
        description="of each of these, the share of its expert's tokens that goes there; those of an expert sum to 1"
    )


class GroupMoves(_Model):
    """What happens on one stage of a group, alike in some replicas; devices are those of the first."""

    replicas: tuple[int, ...] = Field(description="replicas it happens in")
    role: Role = Field(description="group")
    stage: Count = Field(description="stage of the group")
    devices: tuple[str, ...] = Field(description="first device of every rank that serves experts")
    slots: Count = Field(description="experts a rank has room for, by layer")
    layers: tuple[LayerMoves, ...] = Field(description="new layouts")
    bytes: Count = Field(description="bytes moved in each of the replicas")
    seconds: Figure = Field(description="time it takes; replicas do it side by side")
    steps: tuple[TimedStep, ...] = Field(description="in an order that never drops a last copy")


class Loss(_Model):
    """What a replica loses with its devices, beyond experts."""

    replica: Count = Field(description="which replica")
    role: Role = Field(description="group")
    stage: Count = Field(description="stage of the group")
    devices: tuple[str, ...] = Field(description="lost devices")
    data_ranks: Count = Field(description="data-parallel ranks that are gone, with attention and KV cache")
    sequences: Count = Field(description="sequences of those ranks, all microbatches; their KV cache is recomputed")
    dealt: Count = Field(description="of them, those the other ranks have memory for")
    can_serve: bool = Field(description="whether the stage keeps a data-parallel rank")


class ReplanReport(_Model):
    """What has to move, in which order, how long it takes and what it is worth."""

    verdict: str = Field(description="the answer in one line")
    routing: str = Field(description="the routing it is made for")
    lost: tuple[str, ...] = Field(description="lost devices")
    added: tuple[str, ...] = Field(description="devices that join, for experts only")
    shares: Shares = Field(description="how the tokens of an expert are split over its copies")
    moves: Count = Field(description="copies of experts that move, all layers and replicas")
    lower_bound_moves: Count = Field(description="no re-placement as balanced moves less; proven")
    bytes: Count = Field(description="bytes that move, all replicas")
    seconds: Figure = Field(description="time of the replica that takes longest")
    balance: Balance = Field(description="mean over layers")
    step_time_before_s: Figure = Field(description="step by the law as planned, in the old routing")
    step_time_stay_s: Figure | None = Field(
        description="step by the law with the old layout in the new routing; null with lost or added devices"
    )
    step_time_after_s: Figure | None = Field(
        description="step by the law with the new layout; null where a stage cannot serve"
    )
    is_in_plan_schema: bool = Field(description="whether the new layout can be written as a plan")
    losses: tuple[Loss, ...] = Field(description="what is lost beyond experts")
    groups: tuple[GroupMoves, ...] = Field(description="layouts and steps")
    notes: tuple[str, ...] = Field(description="assumptions, and what could not be done")
