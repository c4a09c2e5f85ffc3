"""Where everything lies, device by device, without repetition: groups, layers, experts, sequences.

A device is named ``pool[i]``, ``i`` counting the pool's inventory. A stage of a replica is a block of
``width`` consecutive devices; offset ``o`` in it is data-parallel rank ``o // tp`` and tensor-parallel rank
``o % tp`` of attention, dense FFN, shared experts, embedding and LM head, and expert rank ``o // expert_tp``,
cut ``o % expert_tp``. Of a sequence cut over ``cp`` ranks the token at position ``p`` lies on those with
``o % cp == p % cp``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.device import TierKind

Index = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Role(StrEnum):
    """Which of a replica's groups."""

    HOST = "host"
    SIDECAR = "sidecar"


class Way(StrEnum):
    """How a layer lies on host and sidecar (``docs/method.md``, section 2)."""

    NEAR = "near"
    DIRECT = "direct"
    RELAY = "relay"
    AWAY = "away"
    SPLIT = "split"


class GroupPlan(BaseModel):
    """The shape of one group; every replica has one like it.

    ``sequences_per_rank`` deals the sequences of a microbatch to the data-parallel ranks; their KV shards lie
    where the rank's attention runs, at the same offset of the stage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="host or sidecar")
    pool: str = Field(description="pool its devices are of")
    stages: Count = Field(description="pipeline stages")
    width: Count = Field(description="devices of a stage")
    tp: Count = Field(description="tensor-parallel degree of attention, dense FFN, shared experts, embedding, LM head")
    expert_tp: Count = Field(description="devices one routed expert is cut over")
    cp: Count = Field(
        default=1,
        description="context-parallel degree: ranks of equal KV heads that a sequence's tokens are dealt to",
    )
    spare_slots: Index = Field(
        default=0, description="slots of an expert rank beyond the fewest that hold every expert once; for copies"
    )
    sequences_per_rank: Annotated[tuple[Index, ...], Field(min_length=1)] = Field(
        description="sequences of a microbatch on every data-parallel rank"
    )

    @property
    def num_devices(self) -> int:
        """Devices of the group in one replica."""
        return self.stages * self.width


class ReplicaDevices(BaseModel):
    """The devices of one replica: by group, the pool index of the first device of every stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_device: dict[Role, tuple[Index, ...]] = Field(
        description="by group, the pool index of the first device of every stage"
    )


class Location(BaseModel):
    """A stage of a group and the memory tier of its devices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="group")
    stage: Index = Field(description="stage of the group, from 0")
    tier: TierKind = Field(description="memory tier; of attention that of its KV cache")


class FfnPart(BaseModel):
    """A dense FFN, or those routed experts of a layer that lie on one group.

    ``experts`` names an `ExpertLayout`. Shared experts lie with the first part of a layer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: Location = Field(description="where it lies")
    experts: str | None = Field(default=None, description="name of its expert layout; null for a dense FFN")


class LayerPlacement(BaseModel):
    """Where one layer lies; the router lies with attention, and so do the layer's KV shards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: Index = Field(description="number of the layer, from 0")
    way: Way = Field(description="how the layer lies on host and sidecar")
    attention: Location = Field(description="where attention, router and KV cache lie")
    ffn: Annotated[tuple[FfnPart, ...], Field(min_length=1, max_length=2)] = Field(
        description="where the FFN lies: one part, or two for a split layer"
    )


class ExpertLayout(BaseModel):
    """Experts of a layer by expert rank of a group; layers with the same layout share one.

    An expert that several ranks name has a copy on each, and every copy serves as many of its tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="group that holds the experts")
    experts_by_rank: tuple[tuple[Index, ...], ...] = Field(description="numbers of the experts of every expert rank")


class Placement(BaseModel):
    """Every op shard, expert and KV shard on a device and a tier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    replicas: Annotated[tuple[ReplicaDevices, ...], Field(min_length=1)] = Field(description="devices of every replica")
    embedding: Location = Field(description="where the embedding lies")
    lm_head: Location = Field(description="where the LM head lies")
    experts: dict[str, ExpertLayout] = Field(default_factory=dict, description="expert layouts by name")
    layers: Annotated[tuple[LayerPlacement, ...], Field(min_length=1)] = Field(description="where every layer lies")
