"""Sequences cut over tensor-parallel ranks (``docs/method.md``, section 3, "Cut sequences")."""

from __future__ import annotations

import math

from placer.catalog.kernel import KernelFamily
from placer.cost.collective import all_gather_s, all_to_all_s
from placer.cost.op_time import Work, kernel_time_s
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.verify.recompute.group import Group


def can_cut(core: Op) -> bool:
    """Return whether a core looks at every token of a sequence, and keeps nothing else of it."""
    if not core.caches or core.state_bytes:
        return False
    return not any(
        cache.is_index or cache.window is not None or cache.most_read is not None or cache.stride != 1
        for cache in core.caches
    )


def cuts_of(core: Op, group: Group) -> int:
    """Return over how many ranks of a group a core's sequences are cut."""
    return group.shape.cp if can_cut(core) else 1


def own_tokens(core: Op, group: Group, tokens: int) -> int:
    """Return how many tokens of a sequence the fullest rank has."""
    return math.ceil(tokens / cuts_of(core, group))


def legal_degrees(model: ModelGraph, tp: int) -> set[int]:
    """Return 1, and what the numbers of ranks with the same heads have in common over all layers that can be cut."""
    same = [max(1, tp // ops.core.kv_max_shards) for ops in model.layer_ops if can_cut(ops.core)]
    return {1, math.gcd(*same)} if same else {1}


def _heads_share(group: Group) -> float:
    """Return the share of all heads that a rank works on: those of its ``cp`` ranks."""
    return group.shape.cp / group.shape.tp


def _partial_bytes(core: Op, group: Group) -> float:
    """Return a token's partial outputs in BF16, with the log of a sum of exponentials per head in FP32."""
    return (2.0 * core.intermediate_width + 4.0 * core.num_heads) * _heads_share(group)


def merge_s(core: Op, group: Group) -> float:
    """Return what a cut costs: gathering queries, exchanging partial outputs, a kernel that sums them."""
    cuts = cuts_of(core, group)
    if cuts == 1:
        return 0.0
    queries = 2.0 * core.query_width * _heads_share(group) * group.rank_tokens
    partials = _partial_bytes(core, group) * group.rank_tokens
    summing = kernel_time_s(
        group.device.kernel(KernelFamily.GEMM),
        Work(partials, 0.0),
        bandwidth_bytes_per_s=group.device.compute_tier.bandwidth,
        peak_flops_per_s=next(iter(group.device.peak.values())),
    )
    exchange = all_to_all_s(group.inner, group.out, (cuts, group.pool.domain), partials)
    return float(all_gather_s(group.inner, cuts, queries) + exchange + summing)


def room_bytes(model: ModelGraph, group: Group) -> float:
    """Return the room a token of a microbatch takes for queries and for partial outputs, sent and received."""
    return max(
        (
            2.0 * core.query_width * _heads_share(group) + 2.0 * _partial_bytes(core, group)
            for core in (ops.core for ops in model.layer_ops)
            if cuts_of(core, group) > 1
        ),
        default=0.0,
    )
