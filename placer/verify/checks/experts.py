"""Part of the check `residency`: every routed expert of a layer lies on one group, its copies on ranks of their own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from placer.plan.placement import FfnPart, LayerPlacement
from placer.verify.context import Context
from placer.verify.finding import Finding

#: Loads that exceed a multiple of the mean by less do not exceed it.
ROUNDING = 1e-9


def expert_findings(context: Context, placed: LayerPlacement) -> Iterator[Finding]:
    """Yield experts of a layer that lie nowhere, on both groups, twice on a rank, or beyond a rank's slots."""
    moe = context.model.layer_ops[placed.layer].moe
    where = f"placement.layers[{placed.layer}]"
    if moe is None:
        if any(part.experts is not None for part in placed.ffn):
            yield _finding(where, "a dense layer names experts")
        return
    unknown = [part.experts for part in placed.ffn if part.experts not in context.placement.experts]
    if unknown:
        yield _finding(where, f"names no known layout of experts: {unknown}")
        return
    held = Counter(expert for part in placed.ffn for expert in set(_experts(context, part)))
    lacking = [expert for expert in range(moe.num_experts) if not held[expert]]
    twice = sorted(expert for expert, count in held.items() if count > 1)
    strange = sorted(expert for expert in held if expert >= moe.num_experts)
    for message, experts in (("lie nowhere", lacking), ("lie on both groups", twice), ("do not exist", strange)):
        if experts:
            yield _finding(where, f"{len(experts)} experts {message}: {experts[:8]}")
    for index, part in enumerate(placed.ffn):
        yield from _check_ranks(context, f"{where}.ffn[{index}]", placed, part)


def _finding(where: str, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check="residency", where=where, message=message, expected=texts[0], found=texts[1])


def _experts(context: Context, part: FfnPart) -> list[int]:
    layout = context.placement.experts[part.experts or ""]
    return [expert for rank in layout.experts_by_rank for expert in rank]


def _check_ranks(context: Context, where: str, placed: LayerPlacement, part: FfnPart) -> Iterator[Finding]:
    layout, group = context.placement.experts[part.experts or ""], context.groups.get(part.at.role)
    if layout.role is not part.at.role:
        yield _finding(where, "the layout is one for the other group", part.at.role, layout.role)
    if group is None or not group.expert_ranks:
        return
    if len(layout.experts_by_rank) != group.expert_ranks:
        yield _finding(where, "expert ranks", group.expert_ranks, len(layout.experts_by_rank))
        return
    experts = _experts(context, part)
    slots = group.slots(len(set(experts)))
    most = max(len(rank) for rank in layout.experts_by_rank)
    if most > slots:
        yield _finding(where, "a rank holds more experts than it has slots for", f"at most {slots}", most)
    for rank, members in enumerate(layout.experts_by_rank):
        again = sorted(expert for expert, count in Counter(members).items() if count > 1)
        if again:
            yield _finding(where, f"experts lie twice on rank {rank}", "once", again[:8])
    yield from _check_copies(context, where, experts, (placed.layer, group.expert_ranks))


def _check_copies(context: Context, where: str, experts: list[int], at: tuple[int, int]) -> Iterator[Finding]:
    """Yield experts with more copies than it takes to make each as light as the mean rank."""
    (layer, num_ranks), copies = at, Counter(experts)
    chances = dict(enumerate(context.selections[layer].tolist()))
    total = sum(chances.get(expert, 0.0) for expert in copies)
    for expert, count in sorted(copies.items()):
        share = chances.get(expert, 0.0) / total if total and context.is_uneven else 0.0
        most = math.ceil(share * num_ranks - ROUNDING)
        if count > max(1, most):
            yield _finding(where, f"expert {expert} has more copies than it may", max(1, most), count)
