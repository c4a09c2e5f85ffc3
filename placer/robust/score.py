"""A plan under a routing it was not made for: experts stay where they are, times change."""

from __future__ import annotations

from dataclasses import dataclass

from placer.graph.model_graph import ModelGraph
from placer.plan.plan import Plan
from placer.scenario.routing import RoutingProfile
from placer.simulate.planned import steady_of
from placer.verify.context import context_of
from placer.verify.recompute.figures import Stated, metrics_of, step_time_s


@dataclass(frozen=True)
class Score:
    """Step times by the law and simulated [s], and the price [USD per million output tokens]."""

    law_s: float
    step_s: float
    usd: float


def score(plan: Plan, routing: RoutingProfile, model: ModelGraph) -> Score:
    """Return what a plan, which there must be, takes and costs under a routing; ``model`` is its model lowered."""
    moved = plan.under(routing)
    context = context_of(moved, model)
    assert context is not None
    law_s = step_time_s(context.flow, context.replica)
    step_s = max(law_s, steady_of(moved, model).step_s)
    stated = Stated(len(context.placement.replicas), step_s)
    exact = metrics_of(context.flow, context.replica, plan.devices, stated, moved.scenario)
    return Score(law_s, step_s, exact.usd_per_million_output_tokens)
