"""Check `speculation`: how many tokens are drafted, what that brings and takes, and that it pays."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.speculation import SpeculationUse
from placer.verify.compare import DERIVED, EXACT, Figure, Tolerance, mismatch
from placer.verify.context import Context
from placer.verify.finding import Finding

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


def _check_figures(context: Context, use: SpeculationUse) -> Iterator[Finding]:
    draft, in_flight = context.replica.draft, context.replica.batch.in_flight
    rounded = Tolerance(below=1e-9, above=1e-9 + (draft.items + 1) / max(1.0, draft.weights))
    kept = in_flight * draft.kept
    room = Tolerance(below=1e-9, above=1e-9 + (draft.items + 1) / max(1.0, kept))
    for name, stated, exact, unit, tolerance in (
        ("tokens_per_step", use.tokens_per_step, context.gained, "", DERIVED),
        ("draft_s", use.draft_s, draft.passes_s, "s", DERIVED),
        ("verify_s", use.verify_s, context.flow.path_s - draft.passes_s, "s", DERIVED),
        ("weights_bytes", use.weights_bytes, draft.weights, "B", rounded if draft.weights else EXACT),
        ("kept_bytes", use.kept_bytes, kept, "B", room if kept else EXACT),
    ):
        yield from mismatch(NAME, Figure(f"speculation.{name}", stated, exact, unit), tolerance)


def _check_price(context: Context, use: SpeculationUse) -> Iterator[Finding]:
    """Yield a plan without drafting that is cheaper than this one, or than the bound.

    Where prefill is planned, what is minimised is the price of a request: output tokens may cost less without.
    """
    where, without = "speculation.usd_per_million_output_tokens_without", use.usd_per_million_output_tokens_without
    own, bound = context.metrics.usd_per_million_output_tokens, context.bound.usd_per_million_output_tokens
    if without is None:
        if not context.drafted:
            yield _finding(where, "this is a plan without drafting, and has a price", repr(own), without)
        return
    if not context.drafted:
        yield from mismatch(NAME, Figure(where, without, own, "USD"), DERIVED)
    if context.plan.phases is not None:
        return
    if context.drafted and without < own * (1.0 - _NOISE):
        yield _finding(where, "drafting nothing is cheaper", f"at least {own!r}", repr(without))
    if without < bound * (1.0 - _NOISE):
        yield _finding(where, "below what no plan can beat", f"at least {bound!r}", repr(without))
