"""Check `refusal`: a plan without a placement says why, and claims nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator

from placer.plan.plan import Plan, Status
from placer.plan.refusal import Refusal
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "refusal"
WHAT = "a refusal names a conflict and a reason and claims no metrics; that there is no plan is not re-proved"
WHAT_PLANNED = "a plan with a placement does not also say that there is none"


def check_planned(context: Context) -> Iterator[Finding]:
    """Yield the refusal of a plan that has a placement."""
    if context.plan.refusal is not None:
        yield _finding("refusal", "a planned plan has none")


def check_refusal(plan: Plan) -> Iterator[Finding]:
    """Yield what a refusal, or an undecided plan, lacks or claims too much."""
    claims = {"metrics": plan.metrics, "placement": plan.placement, "groups": plan.groups, "paused": plan.paused}
    for name, value in claims.items():
        if value:
            yield _finding(name, f"an {plan.status} plan has none")
    if plan.refusal is not None:
        yield from _check_refusal(plan.refusal)
    elif plan.status is Status.INFEASIBLE:
        yield _finding("refusal", "lacking")
    if plan.bound is not None and not math.isfinite(plan.bound.usd_per_million_output_tokens):
        yield _finding("bound", "not finite")


def _finding(where: str, message: str) -> Finding:
    return Finding(check=NAME, where=where, message=message)


def _check_refusal(refusal: Refusal) -> Iterator[Finding]:
    if not refusal.conflict or not all(name.strip() for name in refusal.conflict):
        yield _finding("refusal.conflict", "names no constraint")
    if not refusal.reason.strip():
        yield _finding("refusal.reason", "empty")
    for index, relief in enumerate(refusal.nearest):
        if not relief.change.strip() or not relief.text.strip() or not math.isfinite(relief.value):
            yield _finding(f"refusal.nearest[{index}]", "names no change, no value or no text")
