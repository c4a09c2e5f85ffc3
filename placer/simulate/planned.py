"""A plan as it is planned: its own batch and schedule, without chance."""

from __future__ import annotations

from placer.graph.model_graph import ModelGraph
from placer.plan.plan import Plan
from placer.simulate.deployment import deployment_of
from placer.simulate.engine import Load
from placer.simulate.route import build_route
from placer.simulate.steady import Steady, run_steady


def steady_of(plan: Plan, model: ModelGraph | None = None) -> Steady:
    """Return how a plan runs once every step looks like the last; ``model`` is its model lowered, where that is known.

    Raises
    ------
    InputError
        If the plan is a refusal, or lacks its placement.
    """
    deployment = deployment_of(plan, model)
    return run_steady(build_route(deployment).program, Load(deployment.in_flight, plan.schedule))
