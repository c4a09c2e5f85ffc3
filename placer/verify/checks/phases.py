"""Check `phases`: prefill lies in the declared space, beside decode or between its steps (``docs/service.md``)."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.metrics import Metrics
from placer.plan.placement import Way
from placer.plan.service import Chunking, PrefillPool
from placer.scenario.service import Mode
from placer.verify.checks.space import shape_findings
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.prompt import found_tokens, is_declared
from placer.verify.service import PoolView, service_of

NAME = "phases"
WHAT = (
    "prefill beside decode, or between its steps: pools, shapes and chunks of the declared space; modes, and their name"
)

#: Most pools of prefill groups, and stages a group may have whether fewer would fit or not.
_MOST_POOLS, _MOST_STAGES = 2, 8
#: Most chunks of a prompt between decode steps.
_MOST_CHUNKS = 64
#: Modes as people read them.
_NAMES = {
    Mode.COLOCATED: "colocated prefill",
    Mode.DISAGGREGATED: "P/D-disaggregated",
    Mode.AFD: "AFD",
    Mode.PARTIAL_RESIDENCY: "partial residency",
    Mode.ALL_IN_SRAM: "all-in-SRAM decode",
}
#: Figures that only plans of a whole service have.
_FIGURES = ("requests_per_s", "ttft_s", "ttft_p99_s", "usd_per_million_input_tokens", "usd_per_request")


def check_phases(context: Context) -> Iterator[Finding]:
    """Yield prefill that is lacking, made up, or not of the declared space."""
    phases, service = context.plan.phases, context.scenario.service
    if phases is None or service is None:
        yield from _check_absent(context)
        return
    yield from _check_complete("metrics", context.metrics)
    if bool(phases.prefill) is (phases.colocated is not None):
        yield _finding("phases", "prefill is beside decode or between its steps", "one of both", "both or neither")
        return
    if phases.colocated is None:
        yield from _check_pools(context)
    else:
        yield from _check_colocated(context, phases.colocated.chunks)
    yield from _check_modes(context, Mode.DISAGGREGATED if phases.colocated is None else Mode.COLOCATED)
    for name in _FIGURES:
        if getattr(phases.decode.metrics, name) is not None:
            yield _finding(f"phases.decode.metrics.{name}", "decode alone has none", None, "a figure")


def _finding(where: str, message: str, expected: object, found: object) -> Finding:
    return Finding(check=NAME, where=where, message=message, expected=str(expected), found=str(found))


def _check_absent(context: Context) -> Iterator[Finding]:
    """Yield phases of a plan for decode only, and their lack in one of a service."""
    if context.scenario.service is not None:
        yield _finding("phases", "a service is asked for, and prefill is not planned", "prefill and decode", None)
        return
    claims = {"phases": context.plan.phases is not None, "mode": bool(context.plan.mode)}
    claims |= {f"metrics.{name}": getattr(context.metrics, name) is not None for name in _FIGURES}
    claims["bound.usd_per_request"] = context.bound.usd_per_request is not None
    for where in (where for where, is_claimed in claims.items() if is_claimed):
        yield _finding(where, "only decode is asked for", "nothing", "a claim")


def _check_complete(where: str, metrics: Metrics) -> Iterator[Finding]:
    for name in _FIGURES:
        if getattr(metrics, name) is None:
            yield _finding(f"{where}.{name}", "lacking", "a figure", None)


def _check_pools(context: Context) -> Iterator[Finding]:
    names = [pool.pool for pool in context.prefill_pools]
    if len(names) > _MOST_POOLS or len(set(names)) < len(names):
        yield _finding("phases.prefill", "too many, or a pool twice", f"at most {_MOST_POOLS} pools", names)
    known = [pool.name for pool in context.scenario.fleet.pools]
    for index, pool in enumerate(context.prefill_pools):
        where = f"phases.prefill[{index}]"
        if pool.pool not in known:
            yield _finding(f"{where}.pool", "unknown pool", ", ".join(known), pool.pool)
        else:
            yield from _check_pool(context, where, pool)


def _check_pool(context: Context, where: str, pool: PrefillPool) -> Iterator[Finding]:
    fleet = context.scenario.fleet
    there, needed = fleet.pool(pool.pool).count, pool.stages * pool.width
    if needed > there:
        yield _finding(where, "a group needs more devices than the pool has", f"at most {there}", needed)
        return
    view = PoolView(context, pool)
    for group in context.groups.values():
        decoding = group.pool.name
        if pool.pool != decoding and fleet.cross_link(pool.pool, decoding) is None:
            yield _finding(f"{where}.pool", "nothing joins it to the pool that decodes", decoding, pool.pool)
    found = list(shape_findings(context, view.group, where))
    yield from (finding.model_copy(update={"check": NAME}) for finding in found)
    found += list(_check_chunks(context, f"{where}.chunks", pool.chunks))
    yield from (finding for finding in found if finding.check == NAME)
    if not found and pool.stages > _MOST_STAGES:
        yield from _check_stages(context, where, pool)


def _check_stages(context: Context, where: str, pool: PrefillPool) -> Iterator[Finding]:
    """Yield more than eight stages where fewer would hold the model."""
    counts = context.scenario.space.stage_counts(context.scenario.model.num_layers)
    fewer = max((count for count in counts if _MOST_STAGES <= count < pool.stages), default=None)
    if fewer is None:
        return
    view = PoolView(context, pool.model_copy(update={"stages": fewer}))
    if view.held.taken <= view.group.device.usable_bytes - view.held.items:
        yield _finding(f"{where}.stages", "more than eight, and than the fewest that fit", fewer, pool.stages)


def _check_chunks(context: Context, where: str, chunks: Chunking) -> Iterator[Finding]:
    tokens = context.scenario.workload.input_tokens
    found = found_tokens(service_of(context), tokens)
    if chunks.found_tokens != found:
        yield _finding(f"{where}.found_tokens", "not what is found of a prompt", found, chunks.found_tokens)
    if sum(chunks.tokens) != tokens - found:
        yield _finding(f"{where}.tokens", "not every new token of a prompt once", tokens - found, sum(chunks.tokens))
    elif not is_declared(chunks, tokens - found):
        message = "no limit of the declared space cuts prompts like this"
        yield _finding(where, message, None, f"{chunks.prompts} prompts, {chunks.tokens}")


def _check_colocated(context: Context, chunks: Chunking) -> Iterator[Finding]:
    where = "phases.colocated.chunks"
    yield from _check_chunks(context, where, chunks)
    if chunks.prompts > 1:
        yield _finding(f"{where}.prompts", "prompts pass one at a time between steps", 1, chunks.prompts)
    if len(chunks.tokens) > _MOST_CHUNKS:
        yield _finding(f"{where}.tokens", "too many between steps", f"at most {_MOST_CHUNKS}", len(chunks.tokens))
    if context.drafted:
        yield _finding("batch.draft_tokens", "steps that take prompts along draft none", 0, context.drafted)
    yield from _check_replica(context)


def _check_replica(context: Context) -> Iterator[Finding]:
    """Yield what replicas that prefill between steps may not have."""
    if len(context.groups) > 1:
        yield _finding("groups", "replicas that prefill between steps have one", 1, len(context.groups))
    for group in context.groups.values():
        if group.device.is_split:
            message = "keeps KV cache in a tier of its own"
            yield _finding(f"groups[{group.shape.role}].pool", message, "one tier", group.pool.name)
        for field, value, exact in (
            ("cp", group.shape.cp, 1),
            ("spare_slots", group.shape.spare_slots, 0),
        ):
            if value != exact:
                yield _finding(f"groups[{group.shape.role}].{field}", "not beside prompts", exact, value)
        if context.batch.microbatches_in_flight != group.shape.stages:
            found = context.batch.microbatches_in_flight
            yield _finding("batch.microbatches_in_flight", "not as many as stages", group.shape.stages, found)


def _check_modes(context: Context, first: Mode) -> Iterator[Finding]:
    """Yield modes that are forbidden, and a name that is not theirs."""
    modes, layers = [first], context.placement.layers
    ways = {layer.way for layer in layers}
    tiers = {str(at.tier) for layer in layers for at in (layer.attention, *(part.at for part in layer.ffn))}
    tiers |= {str(at.tier) for at in (context.placement.embedding, context.placement.lm_head)}
    if ways & {Way.DIRECT, Way.RELAY}:
        modes.append(Mode.AFD)
    if ways & {Way.SPLIT, Way.AWAY}:
        modes.append(Mode.PARTIAL_RESIDENCY)
    if tiers == {"sram"}:
        modes.append(Mode.ALL_IN_SRAM)
    for mode in modes:
        if mode in service_of(context).forbidden_modes:
            yield _finding("scenario.service.forbidden_modes", "a forbidden mode is used", f"not {mode}", mode)
    name = ", ".join(_NAMES[mode] for mode in modes)
    if context.plan.mode != name:
        yield _finding("mode", "not how the service lies on the fleet", name, context.plan.mode)
