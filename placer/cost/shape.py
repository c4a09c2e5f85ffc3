"""Shapes a group of devices may take: stages, width, and how ops are cut inside a stage."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from placer.catalog.fleet import Pool
from placer.graph.model_graph import ModelGraph
from placer.scenario.space import Space


@dataclass(frozen=True)
class ExpertRanks:
    """Expert-parallel ranks of a stage, and the slots each has beyond the fewest that hold every expert once."""

    count: int
    spare: int = 0

    def slots(self, num_experts: int) -> int:
        """Return the slots of a rank where so many experts lie on all ranks; none holds an expert twice.

        >>> ExpertRanks(32, 1).slots(256), ExpertRanks(8, 1).slots(1)
        (9, 1)
        """
        return min(num_experts, -(-num_experts // self.count) + self.spare)


@dataclass(frozen=True)
class GroupShape:
    """Devices of one pool that work on one replica.

    Attributes
    ----------
    pool
        Where they come from.
    stages, width
        Pipeline stages, and devices in each.
    tp
        Tensor-parallel degree of attention, dense FFN, shared experts, embedding and LM head; the other
        ``width / tp`` ranks are data parallel.
    expert_tp
        Devices one routed expert is cut over; the other ``width / expert_tp`` ranks are expert parallel.
    cp
        Context-parallel degree: over so many of the ``tp`` ranks, which would keep copies of the same heads' KV
        cache, the tokens of every sequence are cut.
    spare_slots
        Slots of an expert-parallel rank beyond the fewest that hold every expert once; copies fill them.
    """

    pool: str
    stages: int
    width: int
    tp: int
    expert_tp: int
    cp: int = 1
    spare_slots: int = 0

    @property
    def num_devices(self) -> int:
        """Devices of the group."""
        return self.stages * self.width

    @property
    def dp(self) -> int:
        """Data-parallel ranks of a stage."""
        return self.width // self.tp

    @property
    def ep(self) -> int:
        """Expert-parallel ranks of a stage."""
        return self.width // self.expert_tp

    @property
    def cuts(self) -> tuple[int, int, int, int]:
        """How ops are cut inside a stage: all of the shape but pool, stages and width; context parallelism last."""
        return self.tp, self.expert_tp, self.spare_slots, self.cp

    @property
    def expert_ranks(self) -> ExpertRanks:
        """Expert-parallel ranks of a stage with their spare slots."""
        return ExpertRanks(self.ep, self.spare_slots)


def _head_divisor(model: ModelGraph) -> int:
    """Return the largest number that divides the head count of every mixer."""
    return math.gcd(*(mixer.num_heads for mixer in model.spec.mixers.values() if mixer.kind != "none"))


def _cuts_heads(model: ModelGraph, tp: int) -> bool:
    """Return whether ranks get whole heads: ``tp`` divides the KV heads of every mixer or is a multiple of them."""
    parts = [ops.core.kv_max_shards for ops in model.layer_ops]
    return all(count % tp == 0 or tp % count == 0 for count in parts)


def _max_experts(model: ModelGraph) -> int:
    return min((ops.moe.num_experts for ops in model.layer_ops if ops.moe), default=0)


def expert_cuts(width: int, tp: int, domain: int, num_experts: int) -> tuple[int, ...]:
    """Return over how many devices an expert may be cut.

    As little as the number of experts allows (expert parallel), as much as attention is (``tp``), or over the
    whole stage (tensor parallel); never over more than a scale-up domain.
    """
    if not num_experts:
        return (1,)
    least = next(cut for cut in range(1, width + 1) if width % cut == 0 and width // cut <= num_experts)
    cuts = {cut for cut in (least, max(least, tp), width) if width % cut == 0 and width // cut <= num_experts}
    return tuple(sorted(cut for cut in cuts if _stays_inside(cut, width, domain)))


def _stays_inside(ranks: int, width: int, domain: int) -> bool:
    """Return whether blocks of so many ranks never straddle two scale-up domains."""
    return ranks <= domain if width <= domain else domain % ranks == 0


def context_cuts(model: ModelGraph, tp: int, space: Space) -> tuple[int, ...]:
    """Return over how many ranks a sequence may be cut: none, or all that keep copies of the same heads' KV cache.

    That is what the copies ``tp / KV heads`` of all mixers that attend to all tokens have in common.
    """
    cores = [ops.core for ops in model.layer_ops if ops.core.splits_context]
    copies = math.gcd(*(tp // min(tp, core.kv_max_shards) for core in cores))
    return (1, copies) if copies > 1 and space.context_parallel else (1,)


def group_shapes(model: ModelGraph, pool: Pool, space: Space, *, has_copies: bool = False) -> Iterator[GroupShape]:
    """Yield every shape of the declared space that fits a pool's inventory.

    Parameters
    ----------
    model
        Its heads limit ``tp`` and ``cp``, its experts ``expert_tp``, its layers the stages.
    pool
        Inventory and scale-up domain.
    space
        Widths, stage counts, spare slots, and whether sequences may be cut.
    has_copies
        Whether experts may have copies, so that ranks may have slots to spare.
    """
    heads, experts = _head_divisor(model), _max_experts(model)
    for width in space.widths(pool):
        tps = [tp for tp in range(1, min(width, pool.domain) + 1) if width % tp == 0 and heads % tp == 0]
        tps = [tp for tp in tps if _cuts_heads(model, tp) and _stays_inside(tp, width, pool.domain)]
        for tp in tps:
            cuts = product(expert_cuts(width, tp, pool.domain, experts), context_cuts(model, tp, space))
            for (expert_tp, cp), stages in product(cuts, space.stage_counts(len(model.layer_ops))):
                spares = 1 + (space.max_spare_slots if has_copies and width > expert_tp else 0)
                for spare in range(spares if stages * width <= pool.count else 0):
                    yield GroupShape(pool.name, stages, width, tp, expert_tp, cp, spare)
