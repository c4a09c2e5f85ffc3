"""Check `caps`: power cap, cost cap, required pools."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.figures import hourly

NAME = "caps"
WHAT = "what is rented stays under the caps on power and cost; required pools are used"
_NOISE = 1e-9


def check_caps(context: Context) -> Iterator[Finding]:
    """Yield exceeded caps and unused required pools."""
    target = context.scenario.target
    cost, power = hourly(context.rented, context.scenario)
    for field, cap, value, unit in (
        ("power_cap", target.power_cap, power, "W"),
        ("cost_cap", target.cost_cap, cost, "USD/h"),
    ):
        if cap is not None and value > cap * (1 + _NOISE):
            yield Finding(
                check=NAME,
                where=f"scenario.target.{field}",
                message="exceeded",
                expected=f"at most {cap!r} {unit}",
                found=f"{value!r} {unit}",
            )
    used = {group.pool.name for group in context.groups.values()}
    for name in target.required_pools:
        if name not in used:
            yield Finding(check=NAME, where="scenario.target.required_pools", message="not used", expected=name)
