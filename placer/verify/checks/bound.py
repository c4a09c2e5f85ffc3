"""Check `bound`: what is claimed to be proven does not contradict what is achieved."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from placer.plan.metrics import Alternative
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "bound"
WHAT = "bound <= achieved, the gap is theirs, no alternative contradicts either; the bound is not re-proved"
_NOISE = 1e-9
#: What a gap may lie above the one a verdict claims: verdicts forgive 1e-9 when they round up to 0.1 %.
_CLAIM_NOISE = 2e-9
_OPTIMAL_GAP = 1e-6


def check_bound(context: Context) -> Iterator[Finding]:
    """Yield contradictions between the bound, the price, the gap and the alternatives."""
    achieved = context.metrics.usd_per_million_output_tokens
    bound = context.bound.usd_per_million_output_tokens
    if not math.isfinite(bound) or not 0 <= bound <= achieved * (1 + _NOISE):
        yield _finding("bound", "not between zero and the price achieved", f"at most {achieved!r}", bound)
    elif achieved > 0:
        yield from _check_gap(context, 1.0 - bound / achieved)
    for alternative in context.plan.alternatives:
        yield from _check_alternative(context, alternative)


def _finding(where: str, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check=NAME, where=where, message=message, expected=texts[0], found=texts[1])


def _check_gap(context: Context, gap: float) -> Iterator[Finding]:
    stated = context.bound.relative_gap
    if stated is None or abs(stated - gap) > _NOISE:
        yield _finding("bound.relative_gap", "not 1 - bound / achieved", f"{gap!r}", stated)
    claimed = _claimed_gap(context.plan.verdict)
    if claimed is not None and gap > claimed + _CLAIM_NOISE:
        yield _finding("verdict", "claims to be closer to optimal", f"a gap of at most {claimed}", f"{gap!r}")


def _claimed_gap(verdict: str) -> float | None:
    """Return the gap a verdict claims: that of "within x % of optimal", none to speak of for "optimal" alone."""
    words = verdict.casefold()
    if "optimal" not in words:
        return None
    within = re.search(r"within ([0-9.]+) % of optimal", words)
    return float(within.group(1)) / 100.0 if within else _OPTIMAL_GAP


def _check_alternative(context: Context, alternative: Alternative) -> Iterator[Finding]:
    where = f"alternatives[{alternative.without_pool}]"
    if alternative.without_pool not in {pool.name for pool in context.scenario.fleet.pools}:
        yield _finding(where, "no such pool in the fleet")
        return
    yield from _check_alternative_bounds(alternative, where)
    own, price, proven = _compared(context, alternative)
    if alternative.without_pool not in context.used_pools and (price is None or price > own * (1 + _NOISE)):
        yield _finding(where, "the plan does without this pool for less", f"at most {own!r}", price)
    # Without a pool that is required there are plans that the bound says nothing of.
    is_bounded = alternative.without_pool not in context.scenario.target.required_pools
    if is_bounded and price is not None and price < proven * (1 - _NOISE):
        yield _finding(where, "cheaper than the plan's bound allows", f"at least {proven!r}", price)


def _compared(context: Context, alternative: Alternative) -> tuple[float, float | None, float]:
    """Return the plan's price, the alternative's and the bound, of what is minimised: requests or output tokens."""
    metrics, bound = context.metrics, context.bound
    if metrics.usd_per_request is not None and bound.usd_per_request is not None:
        return metrics.usd_per_request, alternative.usd_per_request, bound.usd_per_request
    output = alternative.usd_per_million_output_tokens
    return metrics.usd_per_million_output_tokens, output, bound.usd_per_million_output_tokens


def _check_alternative_bounds(alternative: Alternative, where: str) -> Iterator[Finding]:
    price, bound = alternative.usd_per_million_output_tokens, alternative.bound_usd_per_million_output_tokens
    if price is not None and bound is not None and bound > price * (1 + _NOISE):
        yield _finding(where, "its bound lies above its price", f"at most {price!r}", bound)
