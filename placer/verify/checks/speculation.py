"""Check `speculation`: how many tokens are drafted, what that brings and takes, and that it pays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from placer.plan.speculation import DrafterPool, SpeculationUse
from placer.verify.compare import DERIVED, EXACT, Figure, Tolerance, mismatch
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.group import Group

NAME = "speculation"
WHAT = "tokens drafted are of the declared space; what they gain, take and cost follows; no plan without is cheaper"
_NOISE = 1e-9


def check_speculation(context: Context) -> Iterator[Finding]:
    """Yield figures of drafting that do not follow from scenario and placement."""
    use = context.plan.speculation
    if context.scenario.speculation is None:
        if use is not None or context.drafted:
            yield _finding(
                "batch.draft_tokens", "tokens are drafted without speculation in the scenario", 0, context.drafted
            )
        return
    if use is None:
        yield _finding("speculation", "the plan of a scenario with speculation lacks it", "a report", None)
        return
    yield from _check_choice(context, use)
    yield from _check_figures(context.decode, use)
    yield from _check_price(context, use)
    yield from _check_request(context, use)


def _finding(where: str, message: str, expected: object, found: object) -> Finding:
    return Finding(check=NAME, where=where, message=message, expected=str(expected), found=str(found))


def _check_choice(context: Context, use: SpeculationUse) -> Iterator[Finding]:
    if use.draft_tokens != context.drafted:
        yield _finding("speculation.draft_tokens", "not that of the batch", context.drafted, use.draft_tokens)
    speculation = context.scenario.speculation
    assert speculation is not None
    name = "mtp" if speculation.draft is None else speculation.draft.name
    if use.drafter != name:
        yield _finding("speculation.drafter", "another drafter than the scenario's", name, use.drafter)
    expected = speculation.pool if context.drafted else None
    found = use.pool.pool if use.pool else None
    if found != expected:
        yield _finding("speculation.pool", "drafted on another pool than the scenario's", expected, found)
    elif use.pool is not None:
        yield from _check_pool(context, use.pool)


def _check_pool(context: Context, drafters: DrafterPool) -> Iterator[Finding]:
    """Yield what is wrong with the devices of a pool of its own: their shape, where they lie, and what they hold."""
    where, group, draft = "speculation.pool", context.replica.draft.group, context.replica.draft
    assert group is not None
    if group.pool.name in {each.pool.name for each in context.groups.values()}:
        yield _finding(f"{where}.pool", "replicas run there as well", "a pool of its own", group.pool.name)
    widths = [width for width in context.scenario.space.widths(group.pool) if width <= group.pool.domain]
    if drafters.width not in widths:
        yield _finding(f"{where}.width", "not a width of the declared space", widths, drafters.width)
    elif drafters.expert_tp != _legal_expert_cut(context, drafters.width):
        legal = _legal_expert_cut(context, drafters.width)
        yield _finding(f"{where}.expert_tp", "not a legal cut", legal, drafters.expert_tp)
    yield from _check_devices(context, drafters, group)
    device, kept = group.device, context.replica.batch.in_flight * draft.kept
    held, usable = draft.weights + kept, device.usable_bytes
    if device.is_split:
        tiers = (draft.weights, usable), (kept, device.usable_cache_bytes)
        held, usable = max(tiers, key=lambda tier: tier[0] - tier[1])
    if math.ceil(held - 1e-3) > usable:
        yield _finding(where, f"overfills {group.device.name}", f"at most {usable} B", f"{math.ceil(held)} B")


def _check_devices(context: Context, drafters: DrafterPool, group: Group) -> Iterator[Finding]:
    """Yield devices that do not exist, straddle domains, or draft for two replicas."""
    where, width, pool = "speculation.pool.first_device", drafters.width, group.pool
    replicas = len(context.placement.replicas)
    if len(drafters.first_device) != replicas:
        yield _finding(where, "one entry per replica", replicas, len(drafters.first_device))
    for first in drafters.first_device:
        if first + width > pool.count:
            yield _finding(where, "beyond the inventory", f"below {pool.count}", first + width - 1)
        elif first // pool.domain != (first + width - 1) // pool.domain:
            yield _finding(where, "straddles scale-up domains", f"domains of {pool.domain}", first)
    for before, after in pairwise(sorted(drafters.first_device)):
        if after < before + width:
            yield _finding(where, "drafts for two replicas", f"{width} devices each", after)


def _legal_expert_cut(context: Context, width: int) -> int:
    """Return over how many devices an expert of the draft model is cut: as few as its experts allow."""
    speculation = context.scenario.speculation
    ffns = speculation.draft.ffns.values() if speculation and speculation.draft else ()
    fewest = min((ffn.num_experts for ffn in ffns if ffn.kind == "moe"), default=width)
    return next(cut for cut in range(1, width + 1) if width % cut == 0 and width // cut <= fewest)


def _check_figures(context: Context, use: SpeculationUse) -> Iterator[Finding]:
    draft, in_flight = context.replica.draft, context.replica.batch.in_flight
    rounded = Tolerance(below=1e-9, above=1e-9 + (draft.items + 1) / max(1.0, draft.weights))
    kept = in_flight * draft.kept
    room = Tolerance(below=1e-9, above=1e-9 + (draft.items + 1) / max(1.0, kept))
    for name, stated, exact, unit, tolerance in (
        ("tokens_per_step", use.tokens_per_step, context.gained, "", DERIVED),
        ("draft_s", use.draft_s, draft.passes_s, "s", DERIVED),
        ("round_trip_s", use.round_trip_s, draft.round_trip_s, "s", DERIVED),
        ("verify_s", use.verify_s, context.flow.path_s - draft.path_s, "s", DERIVED),
        ("weights_bytes", use.weights_bytes, draft.weights, "B", rounded if draft.weights else EXACT),
        ("kept_bytes", use.kept_bytes, kept, "B", room if kept else EXACT),
    ):
        yield from mismatch(NAME, Figure(f"speculation.{name}", stated, exact, unit), tolerance)


def _check_request(context: Context, use: SpeculationUse) -> Iterator[Finding]:
    """Yield a service without drafting that is cheaper than this one, or another than one that drafts nothing."""
    where, without = "speculation.usd_per_request_without", use.usd_per_request_without
    own = context.metrics.usd_per_request
    if own is None or without is None:
        if without is not None or (own is not None and not context.drafted):
            yield _finding(where, "a price only where prefill is planned, then always without drafting", own, without)
    elif not context.drafted:
        yield from mismatch(NAME, Figure(where, without, own, "USD"), DERIVED)
    elif without < own * (1.0 - _NOISE):
        yield _finding(where, "drafting nothing is cheaper", f"at least {own!r}", repr(without))


def _check_price(context: Context, use: SpeculationUse) -> Iterator[Finding]:
    """Yield a plan without drafting that is cheaper than this one, or than the bound.

    Where prefill is planned, what is minimised is the price of a request: output tokens may cost less without.
    """
    where, without = "speculation.usd_per_million_output_tokens_without", use.usd_per_million_output_tokens_without
    own, bound = context.metrics.usd_per_million_output_tokens, context.bound.usd_per_million_output_tokens
    if without is None:
        if not context.drafted and context.scenario.service is None:
            yield _finding(where, "this is a plan without drafting, and has a price", repr(own), without)
        return
    if not context.drafted:
        yield from mismatch(NAME, Figure(where, without, own, "USD"), DERIVED)
    if context.plan.phases is not None:
        return  # `_check_request` has what is minimised then
    if context.drafted and without < own * (1.0 - _NOISE):
        yield _finding(where, "drafting nothing is cheaper", f"at least {own!r}", repr(without))
    if without < bound * (1.0 - _NOISE):
        yield _finding(where, "below what no plan can beat", f"at least {bound!r}", repr(without))
