"""Check `timing`: the critical path, its parts, and the step time."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.checks.busy import busy_findings
from placer.verify.compare import DERIVED, STEP_TIME, Figure, mismatch
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "timing"
#: The resource of a plan's occupancy that is every layer in series.
PATH = "path"
WHAT = "critical path with all hops, its parts; law = max(path, m * busiest, turns), and no step is shorter"


def check_timing(context: Context) -> Iterator[Finding]:
    """Yield a path, or a step time, other than the placement gives."""
    time, exact = context.time, context.recomputed
    yield from mismatch(NAME, Figure("time.path_s", time.path_s, exact.path_s, "s"), DERIVED)
    parts = time.attention_s + time.ffn_s + time.embedding_and_head_s + time.links_s + time.floors_s
    if not DERIVED.allows(parts, time.path_s):
        yield Finding(
            check=NAME,
            where="time",
            message="the parts do not sum to path_s",
            expected=f"{time.path_s!r} s",
            found=f"{parts!r} s",
        )
    law = Figure("metrics.law_step_time_s", context.metrics.law_step_time_s, exact.law_step_time_s, "s")
    yield from mismatch(NAME, law, STEP_TIME)
    if not context.metrics.step_time_s >= exact.law_step_time_s * (1.0 - STEP_TIME.below):
        yield Finding(
            check=NAME,
            where="metrics.step_time_s",
            message="shorter than the placement allows",
            expected=f"at least {exact.law_step_time_s!r} s",
            found=f"{context.metrics.step_time_s!r} s",
        )
    yield from busy_findings(context, NAME, lambda resource: resource == PATH)
