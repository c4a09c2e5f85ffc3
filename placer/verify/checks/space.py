"""Check `space`: the plan lies in the declared decision space (``docs/method.md``, section 2)."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.placement import Role
from placer.verify.checks.ways import way_findings
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.context_parallel import legal_degrees
from placer.verify.recompute.group import Group

NAME = "space"
WHAT = "groups, degrees, batch and ways lie in the declared space"


def check_space(context: Context) -> Iterator[Finding]:
    """Yield what lies outside the declared space."""
    yield from _check_pair(context)
    for shape in context.plan.groups:
        if shape.role in context.groups:
            group = context.groups[shape.role]
            yield from shape_findings(context, group, f"groups[{shape.role}]")
            yield from _check_spares(context, group)
    yield from _check_batch(context)
    yield from way_findings(context)


def _finding(where: str, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check=NAME, where=where, message=message, expected=texts[0], found=texts[1])


def _check_pair(context: Context) -> Iterator[Finding]:
    roles = [str(shape.role) for shape in context.plan.groups]
    allowed = (["host"], ["host", "sidecar"])[: context.scenario.space.max_groups]
    if sorted(roles) not in allowed:
        yield _finding("groups", "a replica has these groups", " or ".join(map(str, allowed)), roles)
    known = [pool.name for pool in context.scenario.fleet.pools]
    for index, shape in enumerate(context.plan.groups):
        if shape.pool not in known:
            yield _finding(f"groups[{index}].pool", "unknown pool", ", ".join(known), shape.pool)
    if len(context.groups) == 2:
        pools = [group.pool.name for group in context.groups.values()]
        if pools[0] == pools[1]:
            yield _finding("groups", "host and sidecar are of different pools", found=pools)
        elif context.scenario.fleet.cross_link(*pools) is None:
            yield _finding("groups", "no link joins the pools of host and sidecar", found=pools)


def shape_findings(context: Context, group: Group, where: str) -> Iterator[Finding]:
    """Yield what is wrong with stages, width and degrees of a group that stands somewhere in a plan."""
    space = context.scenario.space
    if group.shape.width not in space.widths(group.pool):
        yield _finding(f"{where}.width", "not a width of the declared space", found=group.shape.width)
    if group.shape.stages not in space.stage_counts(context.scenario.model.num_layers):
        yield _finding(f"{where}.stages", "not a stage count of the declared space", found=group.shape.stages)
    yield from _check_cuts(context, group, where)


def _check_spares(context: Context, group: Group) -> Iterator[Finding]:
    spare = context.scenario.space.max_spare_slots if context.is_uneven and group.expert_ranks > 1 else 0
    if group.shape.spare_slots > spare:
        where = f"groups[{group.shape.role}].spare_slots"
        yield _finding(where, "too many", f"at most {spare}", group.shape.spare_slots)


def _check_cuts(context: Context, group: Group, where: str) -> Iterator[Finding]:
    width, tp = group.shape.width, group.shape.tp
    heads = {mixer.num_heads for mixer in context.scenario.model.mixers.values() if mixer.kind != "none"}
    kv_heads = {ops.core.kv_max_shards for ops in context.model.layer_ops}
    if width % tp or any(number % tp for number in heads):
        yield _finding(f"{where}.tp", f"must divide width {width} and heads {sorted(heads)}", found=tp)
    elif any(number % tp and tp % number for number in kv_heads):
        yield _finding(f"{where}.tp", f"must divide KV heads {sorted(kv_heads)} or be a multiple", found=tp)
    elif not _stays_inside(tp, group):
        yield _finding(f"{where}.tp", f"must stay inside domains of {group.pool.domain}", found=tp)
    degrees = legal_degrees(context.model, tp) if context.scenario.space.context_parallel else {1}
    if group.shape.cp not in degrees:
        yield _finding(f"{where}.cp", "not a legal cut of sequences", sorted(degrees), group.shape.cp)
    legal = _legal_expert_cuts(context, group)
    if group.shape.expert_tp not in legal:
        yield _finding(f"{where}.expert_tp", "not a legal cut", sorted(legal), group.shape.expert_tp)


def _legal_expert_cuts(context: Context, group: Group) -> set[int]:
    """Return ``u``: as small as the number of experts allows, or max(that, t), or d; never across domains."""
    width = min(group.shape.width, group.pool.count)
    counts = [ffn.num_experts for ffn in context.scenario.model.ffns.values() if ffn.kind == "moe"]
    fewest = min(counts, default=width)
    smallest = next(cut for cut in range(1, width + 1) if width % cut == 0 and width // cut <= fewest)
    cuts = {smallest, max(smallest, group.shape.tp), width}
    return {cut for cut in cuts if _stays_inside(cut, group)}


def _stays_inside(ranks: int, group: Group) -> bool:
    """Return whether blocks of so many devices of a stage never straddle scale-up domains."""
    return group.shape.width <= group.pool.domain or group.pool.domain % ranks == 0


def _check_batch(context: Context) -> Iterator[Finding]:
    batch, space = context.batch, context.scenario.space
    speculation = context.scenario.speculation
    depths = (0,) if speculation is None else speculation.depths
    if batch.draft_tokens not in depths:
        yield _finding("batch.draft_tokens", "not a number of the declared space", depths, batch.draft_tokens)
    if batch.microbatches_in_flight > space.max_microbatches:
        yield _finding(
            "batch.microbatches_in_flight",
            "too many",
            f"at most {space.max_microbatches}",
            batch.microbatches_in_flight,
        )
    for group in context.groups.values():
        number, stages = batch.microbatches_in_flight, group.shape.stages
        if number > stages and number % stages:
            yield _finding(
                "batch.microbatches_in_flight",
                f"more than the {group.shape.role}'s stages, but not as many for each",
                f"at most {stages}, or a multiple",
                number,
            )
    host = context.groups.get(Role.HOST)
    if host is None or not host.data_ranks:
        return
    per_rank, rest = divmod(batch.sequences_per_microbatch, host.data_ranks)
    if rest:
        yield _finding(
            "batch.sequences_per_microbatch",
            "no multiple of the host's data-parallel ranks",
            f"a multiple of {host.data_ranks}",
            batch.sequences_per_microbatch,
        )
    if per_rank + bool(rest) > space.max_rank_batch:
        yield _finding(
            "batch.sequences_per_microbatch",
            "too many on a rank",
            f"at most {space.max_rank_batch}",
            per_rank + bool(rest),
        )
