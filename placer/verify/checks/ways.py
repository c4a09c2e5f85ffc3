"""Part of the check `space`: every layer lies in a way its kind allows, split layers by popularity."""

from __future__ import annotations

from collections.abc import Iterator

from placer.graph.ffns.moe import MoeOps
from placer.plan.placement import LayerPlacement, Role, Way
from placer.verify.context import Context
from placer.verify.finding import Finding

_TIES = 1e-12


def way_findings(context: Context) -> Iterator[Finding]:
    """Yield layers in a way that their kind, or the replica's groups, do not allow."""
    for placed in context.placement.layers:
        if placed.layer < len(context.model.layer_ops):
            yield from _check_way(context, placed)


def _finding(placed: LayerPlacement, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    where = f"placement.layers[{placed.layer}].way"
    return Finding(check="space", where=where, message=message, expected=texts[0], found=texts[1])


def _check_way(context: Context, placed: LayerPlacement) -> Iterator[Finding]:
    moe = context.model.layer_ops[placed.layer].moe
    if placed.way is not Way.NEAR and len(context.plan.groups) == 1:
        yield _finding(placed, "a replica of one group has no sidecar", Way.NEAR, placed.way)
    elif placed.way in {Way.DIRECT, Way.SPLIT} and moe is None:
        yield _finding(placed, "a dense layer has no experts to send tokens to", found=placed.way)
    elif placed.way is Way.SPLIT and moe is not None:
        yield from _check_hot(context, placed, moe)


def _check_hot(context: Context, placed: LayerPlacement, moe: MoeOps) -> Iterator[Finding]:
    hot = _experts_on(context, placed, Role.SIDECAR)
    cold = _experts_on(context, placed, Role.HOST)
    counts = context.scenario.space.hot_counts(moe.num_experts)
    if len(hot | cold) != moe.num_experts or max(hot | cold) >= moe.num_experts or hot & cold:
        return  # `residency` says so
    if len(hot) not in counts:
        yield _finding(placed, "not a number of hot experts of the declared space", counts, len(hot))
        return
    popularity = context.selections[placed.layer]
    coolest, hottest = min(popularity[list(hot)]), max(popularity[list(cold)])
    if coolest < hottest - _TIES:
        yield _finding(placed, "an expert on the host is more popular than one on the sidecar")


def _experts_on(context: Context, placed: LayerPlacement, role: Role) -> set[int]:
    layouts = [
        context.placement.experts[part.experts]
        for part in placed.ffn
        if part.at.role is role and part.experts in context.placement.experts
    ]
    return {expert for layout in layouts for rank in layout.experts_by_rank for expert in rank}
