"""Assembly of the layout model (``docs/method.md``, section 6).

Where both groups have one stage the sizing model is exact already. With pipeline stages this model decides what sizing
could only bound: which layers share a stage, and which hops stay on the path.
"""

from __future__ import annotations

from dataclasses import dataclass

from ortools.sat.python import cp_model

from placer.search.adapter import SolveStatus, solve
from placer.search.layout.constraints import assignment, capacity, links, occupancy, path, turns
from placer.search.layout.layout import Layout
from placer.search.layout.variables import LayoutVariables, layout_variables
from placer.search.params import SolveParams
from placer.search.sizing.problem import SizingProblem

#: Deterministic seconds one layout solve may take.
WORK_LIMIT = 4.0


@dataclass(frozen=True)
class LayoutAnswer:
    """The best layout found, None where the work limit came first, and a bound on any layout [ps]."""

    layout: Layout | None
    bound: int


def layout_size(problem: SizingProblem) -> int:
    """Return roughly how many literals the layout model of a problem has."""
    ways = sum(run.count * len(problem.classes[run.class_index].placements) for run in problem.runs)
    return ways * sum(stages for stages in problem.stages if stages > 1)


def build_layout_model(problem: SizingProblem, at_least: int) -> tuple[cp_model.CpModel, LayoutVariables]:
    """Return the CP-SAT model of a layout and its variables; ``at_least`` bounds the step from below [ps]."""
    model = cp_model.CpModel()
    variables = layout_variables(model, problem, at_least)
    for constraint in (assignment, path, turns, occupancy, capacity, links):
        constraint.add(model, variables)
    model.minimize(variables.step)
    return model, variables


def solve_layout(
    problem: SizingProblem, at_least: int, hint: Layout | None, params: SolveParams
) -> LayoutAnswer | None:
    """Return the layout with the shortest step, or None if there is none within ``problem.longest``.

    Parameters
    ----------
    problem
        Groups, batch and rows.
    at_least
        A proven lower bound on the step [ps]; the solve stops when it is met.
    hint
        A layout to start from.
    params
        Seed.
    """
    model, variables = build_layout_model(problem, at_least)
    if hint is not None:
        _add_hint(model, variables, hint)
    answer = solve(model, params, WORK_LIMIT)
    if answer.status is SolveStatus.INFEASIBLE:
        return None
    if not answer.has_solution:
        return LayoutAnswer(None, max(at_least, answer.bound))
    value = answer.solver.value
    placements = tuple(next(i for i, literal in enumerate(ways) if value(literal)) for ways in variables.way)
    stages = [
        tuple(next(i for i, literal in enumerate(literals) if value(literal)) for literals in rows)
        for rows in variables.at
    ]
    if len(stages) == 1:
        stages.append((0,) * variables.num_layers)
    first, last = (bool(value(literal)) for literal in variables.on_side)
    return LayoutAnswer(Layout(placements, (stages[0], stages[1]), (first, last)), answer.bound)


def _add_hint(model: cp_model.CpModel, variables: LayoutVariables, hint: Layout) -> None:
    for layer, (ways, number) in enumerate(zip(variables.way, hint.placements, strict=True)):
        for index, literal in enumerate(ways):
            model.add_hint(literal, index == number)
        for group in variables.groups:
            for stage, literal in enumerate(variables.at[group][layer]):
                model.add_hint(literal, stage == hint.stages[group][layer])
    for literal, on_side in zip(variables.on_side, hint.outside_on_side, strict=True):
        model.add_hint(literal, on_side)
