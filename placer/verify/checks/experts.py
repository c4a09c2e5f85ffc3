"""Part of the check `residency`: every routed expert of a layer lies exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from placer.plan.placement import FfnPart, LayerPlacement
from placer.verify.context import Context
from placer.verify.finding import Finding


def expert_findings(context: Context, placed: LayerPlacement) -> Iterator[Finding]:
    """Yield experts of a layer that lie nowhere, twice, or beyond a rank's slots."""
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
    held = Counter(expert for part in placed.ffn for expert in _experts(context, part))
    lacking = [expert for expert in range(moe.num_experts) if not held[expert]]
    twice = sorted(expert for expert, count in held.items() if count > 1)
    strange = sorted(expert for expert in held if expert >= moe.num_experts)
    for message, experts in (("lie nowhere", lacking), ("lie twice", twice), ("do not exist", strange)):
        if experts:
            yield _finding(where, f"{len(experts)} experts {message}: {experts[:8]}")
    for index, part in enumerate(placed.ffn):
        yield from _check_ranks(context, f"{where}.ffn[{index}]", part)


def _finding(where: str, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check="residency", where=where, message=message, expected=texts[0], found=texts[1])


def _experts(context: Context, part: FfnPart) -> list[int]:
    layout = context.placement.experts[part.experts or ""]
    return [expert for rank in layout.experts_by_rank for expert in rank]


def _check_ranks(context: Context, where: str, part: FfnPart) -> Iterator[Finding]:
    layout, group = context.placement.experts[part.experts or ""], context.groups.get(part.at.role)
    if layout.role is not part.at.role:
        yield _finding(where, "the layout is one for the other group", part.at.role, layout.role)
    if group is None or not group.expert_ranks:
        return
    if len(layout.experts_by_rank) != group.expert_ranks:
        yield _finding(where, "expert ranks", group.expert_ranks, len(layout.experts_by_rank))
        return
    num_experts = len(_experts(context, part))
    slots = -(-num_experts // group.expert_ranks)
    most = max(len(rank) for rank in layout.experts_by_rank)
    if most > slots:
        yield _finding(where, "a rank holds more experts than it has slots for", f"at most {slots}", most)
