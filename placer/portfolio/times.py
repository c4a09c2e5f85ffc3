"""Time before the first token, and what is missing in it."""

from __future__ import annotations

from placer.plan.plan import Plan
from placer.scenario.portfolio import ServedModel


def planned_ttft_s(plan: Plan) -> float | None:
    """Return the time to first token a plan states [s], or None for a plan of decode alone."""
    stated = getattr(plan.metrics, "ttft_s", None)
    return None if stated is None else float(stated)


def ttft_s(plan: Plan, service: ServedModel) -> float:
    """Return the time to first token latencies count: the plan's, else what the service says [s]."""
    stated = planned_ttft_s(plan)
    return service.ttft if stated is None else stated
