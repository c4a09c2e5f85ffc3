"""Time to compute a session again on the devices of a plan (``docs/kv-tiers.md``, "Recompute")."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from placer.catalog.kernel import KernelFamily
from placer.graph.layer_class import LayerOps
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Cache, Op
from placer.model.precision import WeightFormat
from placer.plan.placement import FfnPart, LayerPlacement, Placement, Role
from placer.verify.recompute.flow import Place, place_of
from placer.verify.recompute.group import Group
from placer.verify.recompute.kernels import attention_peak
from placer.verify.recompute.weights import held, shard_flops


def entries_read(cache: Cache, tokens: int) -> int:
    """Return the entries of a cache that all tokens of a prompt read together.

    The ``k``-th entry is full after ``k * stride`` tokens, and every token from that one on reads it or, in a window
    or by an index, another in its stead.

    >>> entries_read(Cache(1), 4), entries_read(Cache(1, window=2), 4), entries_read(Cache(1, stride=2), 4)
    (10, 7, 4)
    """
    limits = [tokens // cache.stride]
    limits += [cache.window // cache.stride] if cache.window else []
    limits += [cache.most_read] if cache.most_read is not None else []
    entries = min(limits)
    return entries * (tokens + 1) - cache.stride * entries * (entries + 1) // 2


def stage_seconds(
    model: ModelGraph,
    placement: Placement,
    groups: Mapping[Role, Group],
    chances: Mapping[int, NDArray[np.float64]],
    tokens: int,
) -> dict[Place, float]:
    """Return how long a prompt keeps every stage busy, on one data-parallel rank [s].

    Parameters
    ----------
    model, placement, groups
        What lies where, and on what.
    chances
        Chance that a token selects each expert, by layer with experts.
    tokens
        Length of the prompt.
    """
    seconds: dict[Place, float] = {}

    def add(place: Place, time_s: float) -> None:
        seconds[place] = seconds.get(place, 0.0) + time_s

    for layer in placement.layers:
        ops = model.layer_ops[layer.layer]
        add(place_of(layer.attention), _mixer_s(ops, groups[layer.attention.role], tokens))
        for part in layer.ffn:
            selected = _selected(layer, part, placement, chances)
            is_first = part is layer.ffn[0]
            add(place_of(part.at), tokens * _ffn_s(ops, groups[part.at.role], selected, has_shared=is_first))
    return seconds


def whole_seconds(model: ModelGraph, group: Group, tokens: int) -> float:
    """Return the same for a model that lies whole on one stage [s]."""
    return sum(
        _mixer_s(ops, group, tokens)
        + tokens * _ffn_s(ops, group, float(ops.moe.top_k) if ops.moe else 0.0, has_shared=True)
        for ops in model.layer_ops
    )


def _selected(
    layer: LayerPlacement, part: FfnPart, placement: Placement, chances: Mapping[int, NDArray[np.float64]]
) -> float:
    """Return how many experts of a part a token selects."""
    if part.experts is None:
        return 0.0
    experts = {expert for rank in placement.experts[part.experts].experts_by_rank for expert in rank}
    return sum(float(chances[layer.layer][expert]) for expert in experts)


def _matrices_s(op: Op | None, group: Group, cuts: int, family: KernelFamily = KernelFamily.GEMM) -> float:
    """Return the time of one token in one shard of an op's matrices, at the MFU of the kernel [s]."""
    if op is None or not op.matrices:
        return 0.0
    stored, compute = held(op, group.device)
    return shard_flops(op, cuts) / (group.device.kernel(family, stored).mfu * group.device.peak[compute])


def _mixer_s(ops: LayerOps, group: Group, tokens: int) -> float:
    """Return the time of attention and router: what every token passes, and all pairs of tokens [s]."""
    tp, core = group.shape.tp, ops.core
    each = _matrices_s(ops.projection, group, tp) + _matrices_s(ops.output, group, tp)
    each += _matrices_s(ops.moe.router, group, 1) if ops.moe else 0.0
    work = float(tokens * core.flops_per_token)
    for cache in core.caches:
        flops = cache.prefill_flops_per_entry
        work += entries_read(cache, tokens) * (cache.flops_per_entry if flops is None else flops)
    family = KernelFamily.MLA_PREFILL if core.is_latent else KernelFamily.ATTENTION_PREFILL
    mfu = group.device.kernel(family, WeightFormat(core.cache_format.value)).mfu
    return tokens * each + work / (tp * mfu * attention_peak(group.device))


def _ffn_s(ops: LayerOps, group: Group, selected: float, *, has_shared: bool) -> float:
    """Return the time of one token in a dense FFN, or in a part's experts, spread evenly over the ranks [s]."""
    tp = group.shape.tp
    if ops.moe is None:
        return _matrices_s(ops.dense, group, tp)
    shared = _matrices_s(ops.moe.shared, group, tp) if has_shared else 0.0
    return shared + selected * _matrices_s(ops.moe.expert, group, 1, KernelFamily.MOE) / tp
