"""Where the weights of a plan lie: blocks of devices that hold the same, and what each of them holds of a layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.compare.subject import Subject
from placer.plan.placement import Role
from placer.plan.service import PrefillPool
from placer.verify.recompute.prefill_group import stage_of

#: Pool and number in its inventory.
Device = tuple[str, int]

ATTENTION, DENSE, SHARED, EXPERTS = "attention", "dense FFN", "shared experts", "experts"


@dataclass(frozen=True)
class Site:
    """Groups of one shape: the decoding groups of a role, or those of a pool that prefill.

    Attributes
    ----------
    pool
        Pool of the devices.
    firsts
        By copy and stage, the number of the first device.
    width, tp, expert_tp
        Devices of a stage, and over how many of them ops and experts are cut.
    """

    pool: str
    firsts: tuple[tuple[int, ...], ...]
    width: int
    tp: int
    expert_tp: int

    def shards(self, stage: int) -> Iterator[tuple[Device, int, int]]:
        """Yield every device of a stage, all copies, with the shard of an op it holds: rank, and of how many."""
        for copy in self.firsts:
            for offset in range(self.width):
                yield (self.pool, copy[stage] + offset), offset % self.tp, self.tp

    def expert_shards(self, stage: int, rank: int) -> Iterator[tuple[Device, int, int]]:
        """Yield the devices of an expert rank of a stage, all copies, with the shard of an expert they hold."""
        for copy in self.firsts:
            for cut in range(self.expert_tp):
                yield (self.pool, copy[stage] + rank * self.expert_tp + cut), cut, self.expert_tp


@dataclass(frozen=True)
class Spot:
    """What of a layer lies on a stage of a site; ``layout`` names how experts are dealt there, as its key does."""

    site: int
    stage: int
    what: str
    layout: str = ""


Layout = tuple[tuple[int, ...], ...]


class Lie:
    """Where the weights of one plan lie."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        context = subject.context
        placement = context.placement
        self._roles = list(context.groups)
        decode = [
            Site(
                group.pool.name,
                tuple(replica.first_device[role] for replica in placement.replicas),
                group.shape.width,
                group.shape.tp,
                group.shape.expert_tp,
            )
            for role, group in context.groups.items()
        ]
        self._pools: tuple[PrefillPool, ...] = context.prefill_pools
        prefill = [Site(pool.pool, pool.first_devices, pool.width, pool.tp, pool.expert_tp) for pool in self._pools]
        self.sites: tuple[Site, ...] = (*decode, *prefill)
        self._prefill_names: dict[Layout, str] = {}
        self.layouts: dict[str, Layout] = {name: layout.experts_by_rank for name, layout in placement.experts.items()}

    def spots(self, layer: int) -> tuple[Spot, ...]:
        """Return what of a layer lies where."""
        placed, ops = self.subject.context.placement.layers[layer], self.subject.context.model.layer_ops[layer]
        found = [Spot(self._site(placed.attention.role), placed.attention.stage, ATTENTION)]
        for index, part in enumerate(placed.ffn):
            at = (self._site(part.at.role), part.at.stage)
            if ops.dense is not None:
                found.append(Spot(*at, DENSE))
            if ops.moe is not None and ops.moe.shared is not None and index == 0:
                found.append(Spot(*at, SHARED))
            if part.experts is not None:
                found.append(Spot(*at, EXPERTS, part.experts))
        return (*found, *self._prefill_spots(layer))

    def ends(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return site and stage of embedding and LM head of the decoding replicas."""
        placement = self.subject.context.placement
        return (
            (self._site(placement.embedding.role), placement.embedding.stage),
            (self._site(placement.lm_head.role), placement.lm_head.stage),
        )

    def prefill_ends(self) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield the same of every pool that prefills: the first stage, and the last."""
        for number, pool in enumerate(self._pools):
            site = len(self._roles) + number
            yield (site, 0), (site, pool.stages - 1)

    def devices(self) -> set[Device]:
        """Return all devices that hold weights."""
        return {
            device for site in self.sites for stage in range(len(site.firsts[0])) for device, _, _ in site.shards(stage)
        }

    def _site(self, role: Role) -> int:
        return self._roles.index(role)

    def _prefill_spots(self, layer: int) -> Iterator[Spot]:
        context = self.subject.context
        ops, num_layers = context.model.layer_ops[layer], len(context.model.layer_ops)
        for number, pool in enumerate(self._pools):
            site, stage = len(self._roles) + number, stage_of(layer, num_layers, pool.stages)
            yield Spot(site, stage, ATTENTION)
            if ops.dense is not None:
                yield Spot(site, stage, DENSE)
            if ops.moe is not None:
                if ops.moe.shared is not None:
                    yield Spot(site, stage, SHARED)
                yield Spot(site, stage, EXPERTS, self._dealt(context.selections[layer], pool))

    def _dealt(self, chances: NDArray[np.float64], pool: PrefillPool) -> str:
        """Return the name of a layout of experts dealt from the hottest, forth and back."""
        ranks = pool.width // pool.expert_tp
        layout = dealt(chances, ranks)
        name = self._prefill_names.setdefault(layout, f"prefill layout {len(self._prefill_names)}")
        self.layouts[name] = layout
        return name


def dealt(chances: Sequence[float] | NDArray[np.float64], ranks: int) -> Layout:
    """Return the experts of every rank, dealt from the hottest, forth and back; equals in order of their number.

    >>> dealt([0.1, 0.4, 0.3, 0.2, 0.05], 2)
    ((1, 0, 4), (2, 3))
    """
    order = np.argsort(-np.asarray(chances), kind="stable")
    by_rank: list[list[int]] = [[] for _ in range(ranks)]
    for position, expert in enumerate(order):
        turn, rank = divmod(position, ranks)
        by_rank[ranks - 1 - rank if turn % 2 else rank].append(int(expert))
    return tuple(tuple(experts) for experts in by_rank)
