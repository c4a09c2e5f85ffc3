"""Check `residency`: every layer, op, and expert lies somewhere, exactly once, on a tier it can run from."""

from __future__ import annotations

from collections.abc import Iterator

from placer.catalog.device import TierRole
from placer.plan.placement import LayerPlacement, Location, Role, Way
from placer.verify.checks.experts import expert_findings
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "residency"
WHAT = "every layer, op and expert lies exactly once, where its way says, on a tier ops run from"

#: Role of attention, and of every FFN part in order; the first holds the shared experts.
_ROLES: dict[Way, tuple[Role, tuple[Role, ...]]] = {
    Way.NEAR: (Role.HOST, (Role.HOST,)),
    Way.DIRECT: (Role.HOST, (Role.SIDECAR,)),
    Way.RELAY: (Role.HOST, (Role.SIDECAR,)),
    Way.AWAY: (Role.SIDECAR, (Role.SIDECAR,)),
    Way.SPLIT: (Role.HOST, (Role.HOST, Role.SIDECAR)),
}


def check_residency(context: Context) -> Iterator[Finding]:
    """Yield what lies nowhere, twice, or where it cannot run."""
    yield from _check_layers(context)
    yield from _check_location(context, "placement.embedding", context.placement.embedding)
    yield from _check_location(context, "placement.lm_head", context.placement.lm_head)
    for placed in context.placement.layers:
        if placed.layer < context.scenario.model.num_layers:
            yield from _check_layer(context, placed)
            yield from expert_findings(context, placed)


def _finding(where: str, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check=NAME, where=where, message=message, expected=texts[0], found=texts[1])


def _check_layers(context: Context) -> Iterator[Finding]:
    found = [placed.layer for placed in context.placement.layers]
    expected = range(context.scenario.model.num_layers)
    if found == list(expected):
        return
    lacking = sorted(set(expected) - set(found))
    yield _finding(
        "placement.layers",
        f"not every layer once, in order; lacking {lacking[:8]}",
        f"0 to {len(expected) - 1}",
        f"{len(found)} entries",
    )


def _check_location(
    context: Context, where: str, at: Location, holds: TierRole = TierRole.COMPUTE
) -> Iterator[Finding]:
    group = context.groups.get(at.role)
    if group is None:
        yield _finding(f"{where}.role", "the replica has no such group", found=at.role)
        return
    if at.stage >= group.shape.stages:
        yield _finding(f"{where}.stage", "no such stage", f"below {group.shape.stages}", at.stage)
    tier = (group.device.cache_tier if holds is TierRole.CACHE else group.device.compute_tier).tier
    if at.tier is not tier:
        yield _finding(f"{where}.tier", f"{group.device.name} runs ops from another tier", tier, at.tier)


def _check_layer(context: Context, placed: LayerPlacement) -> Iterator[Finding]:
    where = f"placement.layers[{placed.layer}]"
    yield from _check_location(context, f"{where}.attention", placed.attention, TierRole.CACHE)
    for index, part in enumerate(placed.ffn):
        yield from _check_location(context, f"{where}.ffn[{index}].at", part.at)
    attention, parts = _ROLES[placed.way]
    found = tuple(part.at.role for part in placed.ffn)
    if placed.attention.role is not attention or found != parts:
        yield _finding(
            where,
            f'attention and FFN do not lie as the way "{placed.way}" says',
            _roles(attention, parts),
            _roles(placed.attention.role, found),
        )
        return
    for index, part in enumerate(placed.ffn):
        if part.at.role is placed.attention.role and part.at.stage != placed.attention.stage:
            yield _finding(
                f"{where}.ffn[{index}].at.stage",
                "a layer's attention and FFN on one group share a stage",
                placed.attention.stage,
                part.at.stage,
            )


def _roles(attention: Role, parts: tuple[Role, ...]) -> str:
    return f"attention on {attention}, FFN on {' and '.join(parts)}"
