"""What explains a plan: the loads of a layer, what a device holds and does, and where balance costs most."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.placement import Role

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Help(_Model):
    """The single change that lowers the fullest rank most."""

    what: str = Field(description="swap or copy")
    expert: Count = Field(description="expert that leaves the fullest rank, or gets a copy")
    from_rank: Count = Field(description="fullest rank")
    to_rank: Count = Field(description="rank it goes to")
    for_expert: Count | None = Field(default=None, description="expert that comes back; null for a copy")
    max_load: Figure = Field(description="load of the fullest rank afterwards")
    gain: Figure = Field(description="share of the fullest rank's load that is saved")


class PartExplained(_Model):
    """Routed experts of a layer on one group; loads are tokens served per token of the batch."""

    role: Role = Field(description="group")
    loads: tuple[Figure, ...] = Field(description="load of every expert rank")
    mean: Figure = Field(description="mean load")
    bound: Figure = Field(description="no layout in these slots has a fullest rank below; proven")
    fullest_rank: Count = Field(description="number of the fullest rank")
    fullest_load: Figure = Field(description="its load")
    fullest_experts: tuple[int, ...] = Field(description="its experts")
    relative_gap: Figure = Field(description="1 - bound / fullest")
    swap: Help | None = Field(description="the swap that helps most; null where none does")
    copy_: Help | None = Field(alias="copy", description="the copy, in one more slot, that helps most")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class LayerExplained(_Model):
    """One layer."""

    layer: Count = Field(description="number of the layer")
    way: str = Field(description="how it lies on host and sidecar")
    path_s: Figure = Field(description="its share of the critical path")
    balanced_path_s: Figure = Field(description="the same if all ranks were equally full")
    parts: tuple[PartExplained, ...] = Field(description="routed experts by group; none for a dense layer")

    @property
    def cost_s(self) -> float:
        """What its imbalance costs a step [s]."""
        return max(0.0, self.path_s - self.balanced_path_s)


class DeviceExplained(_Model):
    """What one device holds and does."""

    device: str = Field(description="name")
    replica: Count = Field(description="its replica")
    role: Role = Field(description="its group")
    stage: Count = Field(description="its stage")
    data_rank: Count = Field(description="its data-parallel rank")
    expert_rank: Count = Field(description="its expert rank")
    bytes_by_kind: dict[str, Count] = Field(description="what lies on it, by kind; experts: what lies in its slots")
    free_bytes: int = Field(description="what is left of the tier, the runtime's reserve taken off")
    layers: Count = Field(description="layers whose attention runs on it")
    experts: Count = Field(description="experts on it, all layers")
    sequences: Count = Field(description="sequences of its data-parallel rank, all microbatches")
    seconds_by_kind: dict[str, Figure] = Field(description="what a step of its stage is made of, all microbatches")
    relative_load: Figure = Field(description="load of its experts over the mean of its group's ranks, all layers")


class Summary(_Model):
    """Where a plan is tight."""

    fullest: DeviceExplained = Field(description="the device that serves most expert load among the fullest in memory")
    layers: tuple[LayerExplained, ...] = Field(description="layers whose balance costs most, worst first")
    balance_cost_s: Figure = Field(description="what imbalance costs a step, all layers")
    step_time_s: Figure = Field(description="step of the plan")
    binding: tuple[str, ...] = Field(description="limits that are used nearly in full")
