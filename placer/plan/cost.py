"""What a plan costs, and what no plan can cost, in the unit of what is minimised.

That is US dollars per request of a whole service, and per million output tokens where decode alone is planned.
"""

from __future__ import annotations

from placer.plan.plan import Plan
from placer.scenario.scenario import Scenario


def costs(plan: Plan) -> tuple[float | None, float | None]:
    """Return cost and bound, None where there is none; the bound of an undecided service counts prompts in already."""
    if plan.scenario.service is None:
        usd = plan.metrics.usd_per_million_output_tokens if plan.metrics else None
        return usd, plan.bound.usd_per_million_output_tokens if plan.bound else None
    if plan.metrics is not None:
        return plan.metrics.usd_per_request, plan.bound.usd_per_request if plan.bound else None
    if plan.bound is None:
        return None, None
    return None, plan.bound.usd_per_million_output_tokens * plan.scenario.workload.output_tokens / 1e6


def per_million_output_tokens(scenario: Scenario, cost: float) -> float:
    """Return a cost as searches have it: per million output tokens [USD], prompts included."""
    return cost * 1e6 / scenario.workload.output_tokens if scenario.service is not None else cost
