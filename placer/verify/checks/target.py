"""Check `target`: the step is short enough, and the fleet fast enough."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "target"
WHAT = "the derived step time meets the interactivity target, the derived throughput the fleet target"
_NOISE = 1e-9


def check_target(context: Context) -> Iterator[Finding]:
    """Yield missed targets; figures derived anew are compared, not the plan's."""
    target, exact = context.scenario.target, context.recomputed
    longest_s = context.gained * target.step_time_s
    if exact.step_time_s > longest_s * (1 + _NOISE):
        yield Finding(
            check=NAME,
            where="scenario.target.tokens_per_s_per_user",
            message="the step takes too long",
            expected=f"at most {longest_s!r} s",
            found=f"{exact.step_time_s!r} s",
        )
    if target.tokens_per_s and exact.capacity_tokens_per_s < target.tokens_per_s * (1 - _NOISE):
        yield Finding(
            check=NAME,
            where="scenario.target.tokens_per_s",
            message="the replicas are too few",
            expected=f"at least {target.tokens_per_s!r} tokens/s",
            found=f"{exact.capacity_tokens_per_s!r} tokens/s",
        )
