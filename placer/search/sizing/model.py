"""Assembly of the sizing model; ``docs/method.md`` section 5 is this file in mathematics."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ortools.sat.python import cp_model

from placer.search.adapter import Answer, SolveStatus, solve
from placer.search.params import SolveParams
from placer.search.sizing.constraints import (
    assignment,
    capacity,
    links,
    occupancy,
    order,
    path,
    patterns,
    rounding,
    stage_hops,
    stages,
    turns,
)
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables, sizing_variables

#: Deterministic seconds one sizing solve may take at first; hundreds are needed per plan.
WORK_LIMIT = 0.3
#: Embedding and LM head on the host.
NOTHING_ON_SIDE = (False, False)
#: Deterministic seconds for a fluid problem.
FLUID_WORK_LIMIT = 0.1


@dataclass(frozen=True)
class Sizing:
    """An answer to a sizing problem.

    Attributes
    ----------
    counts
        Layers by run and placement; empty where nothing fits.
    outside_on_side
        Whether embedding and LM head lie on the sidecar.
    content
        By group and stage: layers by (bundle, placement); empty for a group of one stage.
    step
        Step time of these counts in picoseconds, as the model sees it.
    bound
        No placement has a shorter step.
    """

    counts: tuple[tuple[int, ...], ...]
    outside_on_side: tuple[bool, bool]
    content: tuple[tuple[dict[tuple[int, int], int], ...], ...]
    step: int
    bound: int


def build_sizing_model(problem: SizingProblem) -> tuple[cp_model.CpModel, SizingVariables]:
    """Return the CP-SAT model of a sizing problem and its variables."""
    model = cp_model.CpModel()
    variables = sizing_variables(model, problem)
    for constraint in (
        assignment,
        order,
        stages,
        stage_hops,
        path,
        turns,
        occupancy,
        capacity,
        links,
        rounding,
        patterns,
    ):
        constraint.add(model, variables, problem)
    model.minimize(variables.step)
    return model, variables


def is_hopeless(problem: SizingProblem, params: SolveParams) -> bool:
    """Return whether nothing fits even with the stages of a group taken together. Most hopeless problems end here."""
    return _solve_fluid(problem, params, math.inf).status is SolveStatus.INFEASIBLE


def fluid_bound(problem: SizingProblem, params: SolveParams) -> int | None:
    """Return a bound on the step with the stages of a group taken together [ps]; None if nothing fits."""
    answer = _solve_fluid(problem, params, params.relative_gap / 4.0)
    return None if answer.status is SolveStatus.INFEASIBLE else max(0, answer.bound)


def _solve_fluid(problem: SizingProblem, params: SolveParams, relative_gap: float) -> Answer:
    model, _ = build_sizing_model(replace(problem, is_fluid=True))
    return solve(model, params, FLUID_WORK_LIMIT, relative_gap)


def solve_sizing(problem: SizingProblem, params: SolveParams, work_limit: float = WORK_LIMIT) -> Sizing | None:
    """Return the counts with the shortest step, or None if nothing fits within ``problem.longest``."""
    if max(problem.stages) > 1 and is_hopeless(problem, params):
        return None
    model, variables = build_sizing_model(problem)
    answer = solve(model, params, work_limit, params.relative_gap / 4.0)
    if answer.status is SolveStatus.INFEASIBLE:
        return None
    return _extract(answer, variables)


def _extract(answer: Answer, variables: SizingVariables) -> Sizing:
    if not answer.has_solution:
        return Sizing((), NOTHING_ON_SIDE, (), 0, max(0, answer.bound))
    value = answer.solver.value
    return Sizing(
        tuple(tuple(value(count) for count in run.count) for run in variables.runs),
        (bool(value(variables.embedding_on_side)), bool(value(variables.lm_head_on_side))),
        tuple(
            tuple({key: value(count) for key, count in stage.count.items()} for stage in contents)
            for contents in variables.content
        ),
        answer.objective,
        answer.bound,
    )
