"""The critical path: one microbatch through everything, in series."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.rows import PATH
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables, Sum


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add ``step >= sum of op times + hops between groups and between stages + return of the token + wait``.

    Twin in ``verify``: the critical path.
    """
    crossing = problem.crossing
    total: Sum = variables.weighted(problem, PATH)
    for op, on_side in (
        (problem.embedding, variables.embedding_on_side),
        (problem.lm_head, variables.lm_head_on_side),
    ):
        total = total + op.time[0] + (op.time[1] - op.time[0]) * on_side
    total = total + cp_model.LinearExpr.weighted_sum(list(variables.stage_hops), list(crossing.stage))
    if problem.has_side:
        total = total + crossing.to_side * variables.to_side() + crossing.to_host * variables.to_host(problem)
        total = total + crossing.token * variables.token_hops
    model.add(variables.step >= total + problem.drafter.waiting)
    if problem.least:
        model.add(variables.step >= problem.least)
