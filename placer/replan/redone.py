"""The plan a re-placement ends in, where the plan's schema can express it."""

from __future__ import annotations

from placer.errors import InputError
from placer.plan.placement import ExpertLayout, Placement, Role
from placer.plan.plan import Plan
from placer.replan.after import layouts_of
from placer.replan.drifted_plan import drifted_plan
from placer.replan.replan import Replanned
from placer.replan.request import Request
from placer.replan.step_time import step_of
from placer.search.params import SolveParams


def redone_plan(plan: Plan, request: Request, done: Replanned, params: SolveParams | None = None) -> Plan:
    """Return the plan with the new layouts and the new routing.

    Parameters
    ----------
    plan, request, done
        The old plan, what was asked, and the answer.
    params
        Of the search that proves a bound for the new routing; None: its bound is zero.

    Raises
    ------
    InputError
        If the ranks have changed, or if the target is missed.
    """
    if not done.report.is_in_plan_schema or plan.placement is None:
        raise InputError("cannot be written as a plan; the report has the layouts", where="--output")
    step = step_of(plan, request.drift, layouts_of(done.solutions, 0))
    return drifted_plan(plan, request.drift.profile, _placement(plan.placement, done), step, params)


def _placement(old: Placement, done: Replanned) -> Placement:
    """Return a placement with the new layouts; layers that shared one and do no longer get their own."""
    layouts, names = dict[str, ExpertLayout](), dict[tuple[int, Role], str]()
    for group, found in done.solutions:
        for solution in found:
            layout, name = ExpertLayout(role=group.role, experts_by_rank=solution.new), solution.task.layout
            if layouts.get(name, layout) != layout:
                name = f"{name}-layer{solution.task.layers[0]}"
            layouts[name] = layout
            names |= {(layer, group.role): name for layer in solution.task.layers}
    layers = []
    for placed in old.layers:
        parts = tuple(
            part.model_copy(update={"experts": names.get((placed.layer, part.at.role), part.experts)})
            for part in placed.ffn
        )
        layers.append(placed.model_copy(update={"ffn": parts}))
    return Placement.model_validate(old.model_copy(update={"experts": layouts, "layers": tuple(layers)}).model_dump())
