"""One group of a plan, together with the hardware it lies on."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet, Pool
from placer.catalog.link import Link
from placer.errors import InternalError
from placer.plan.placement import GroupPlan


@dataclass(frozen=True)
class Group:
    """Shape and hardware of a group.

    Attributes
    ----------
    shape
        What the plan says.
    pool, device
        What it is made of.
    up, out
        Links inside and between scale-up domains; each stands in for the other.
    width
        Tokens of every sequence that pass together.
    """

    shape: GroupPlan
    pool: Pool
    device: Device
    up: Link | None
    out: Link | None
    width: int = 1

    @property
    def data_ranks(self) -> int:
        """Data-parallel ranks of a stage, ``d / t``."""
        return self.shape.width // self.shape.tp

    @property
    def expert_ranks(self) -> int:
        """Expert-parallel ranks of a stage, ``e = d / u``."""
        return self.shape.width // self.shape.expert_tp

    def slots(self, num_experts: int) -> int:
        """Slots of an expert rank for so many experts of a layer, ``min(n, ceil(n / e) + spare)``."""
        return min(num_experts, -(-num_experts // self.expert_ranks) + self.shape.spare_slots)

    @property
    def rank_sequences(self) -> int:
        """Sequences of the fullest data-parallel rank."""
        return max(self.shape.sequences_per_rank)

    @property
    def rank_tokens(self) -> int:
        """Tokens of the fullest data-parallel rank, ``r``."""
        return self.rank_sequences * self.width

    @property
    def device_tokens(self) -> float:
        """Tokens a device has a share of, ``r / t``."""
        return self.rank_tokens / self.shape.tp

    @property
    def inner(self) -> Link:
        """The link tensor parallelism runs over."""
        if self.up is None:
            raise InternalError(f"pool {self.pool.name} names no link inside it")
        return self.up

    @property
    def between_stages(self) -> Link:
        """The link between stages: scale-up if the whole group fits a domain."""
        link = self.up if self.shape.num_devices <= self.pool.domain else self.out
        if link is None:
            raise InternalError(f"pool {self.pool.name} names no link inside it")
        return link


def group_of(shape: GroupPlan, fleet: Fleet, width: int = 1) -> Group:
    """Return a group with its hardware; its pool must be in the fleet."""
    up, out = fleet.inner_links(shape.pool)
    return Group(shape, fleet.pool(shape.pool), fleet.device_of(shape.pool), up, out, width)
