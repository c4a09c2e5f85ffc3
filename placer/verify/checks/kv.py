"""Check `kv`: the KV budgets of the groups are those of the shards that lie there."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.kv import KvUse
from placer.verify.compare import Figure, Tolerance, mismatch
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.group import Group
from placer.verify.recompute.kv import SequenceKv, fitting_tokens, sequences_kv
from placer.verify.recompute.pages import page_tokens, sequence_tokens

NAME = "kv"
WHAT = "KV budgets in tokens: pages, copies, what fits beside weights and buffers, what every rank holds"


def check_kv(context: Context) -> Iterator[Finding]:
    """Yield budgets that differ from what the placement leaves room for; plans written without them pass."""
    if not context.plan.kv:
        return
    kept = {role: _kept(context, group) for role, group in context.groups.items()}
    expected = sorted(role for role, stages in kept.items() if stages)
    found = sorted(use.role for use in context.plan.kv)
    if found != expected:
        yield _finding("kv", "one entry for every group that runs attention", expected, found)
        return
    for use in context.plan.kv:
        yield from _check_layout(context, use)
        yield from _check_stage(context, use, kept[use.role])


def _kept(context: Context, group: Group) -> dict[int, SequenceKv]:
    tokens = sequence_tokens(group, context.capacity_context)
    return sequences_kv(context.model, context.placement, group, tokens)


def _finding(where: str, message: str, expected: object, found: object) -> Finding:
    return Finding(check=NAME, where=where, message=message, expected=str(expected), found=str(found))


def _check_layout(context: Context, use: KvUse) -> Iterator[Finding]:
    """Yield what is wrong with tier, pages, and tokens on the ranks."""
    group = context.groups[use.role]
    tokens = sequence_tokens(group, context.capacity_context)
    used = tuple(context.batch.microbatches_in_flight * dealt * tokens for dealt in group.shape.sequences_per_rank)
    for field, exact in (
        ("tier", group.device.cache_tier.tier),
        ("page_tokens", page_tokens(group)),
        ("sequence_tokens", tokens),
        ("used_tokens", used),
    ):
        stated = getattr(use, field)
        if stated != exact:
            yield _finding(f"kv[{use.role}].{field}", "wrong", exact, stated)


def _check_stage(context: Context, use: KvUse, stages: dict[int, SequenceKv]) -> Iterator[Finding]:
    """Yield what is wrong with the stage that has least room, and with what fits there."""
    group, where = context.groups[use.role], f"kv[{use.role}]"
    tokens = sequence_tokens(group, context.capacity_context)
    memory = {device.place[1]: device for device in context.memory if device.place[0] is use.role}
    fits = {stage: fitting_tokens(memory[stage], group, kept, tokens) for stage, kept in stages.items()}
    most = min(upper for _, upper in fits.values())
    if use.stage not in fits or fits[use.stage][0] > most:
        tightest = min(fits, key=lambda stage: fits[stage])
        yield _finding(f"{where}.stage", "not the stage with room for the fewest tokens", tightest, use.stage)
        return
    kept, (least, _) = stages[use.stage], fits[use.stage]
    if use.layers != kept.layers:
        yield _finding(f"{where}.layers", "wrong", kept.layers, use.layers)
    if not least <= use.capacity_tokens <= most or use.capacity_tokens % page_tokens(group):
        yield _finding(
            f"{where}.capacity_tokens", "not what fits beside weights and buffers", least, use.capacity_tokens
        )
    # Every layer's bytes may have been rounded up by one.
    tolerance = Tolerance(below=1e-9, above=1e-9 + kept.layers / kept.device)
    a_token, copies = kept.device / tokens, group.shape.tp * kept.device / kept.distinct
    stated = Figure(f"{where}.bytes_per_token_per_device", use.bytes_per_token_per_device, a_token, "B")
    yield from mismatch(NAME, stated, tolerance)
    yield from mismatch(NAME, Figure(f"{where}.copies", use.copies, copies, ""), tolerance)
