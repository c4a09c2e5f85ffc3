"""The seam to CP-SAT: one function that solves a model, typed on both sides. OR-Tools is imported here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from ortools.sat.python import cp_model

from placer.errors import InternalError
from placer.search.params import SolveParams


class SolveStatus(StrEnum):
    """How a solve ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


_STATUS = {
    cp_model.OPTIMAL: SolveStatus.OPTIMAL,
    cp_model.FEASIBLE: SolveStatus.FEASIBLE,
    cp_model.INFEASIBLE: SolveStatus.INFEASIBLE,
    cp_model.UNKNOWN: SolveStatus.UNKNOWN,
}


@dataclass(frozen=True)
class Answer:
    """What CP-SAT said.

    Attributes
    ----------
    status
        How it ended.
    objective, bound
        Value of the best solution and proven bound on any; meaningless where there is none.
    solver
        Gives the values of variables in the best solution.
    """

    status: SolveStatus
    objective: int
    bound: int
    solver: cp_model.CpSolver

    @property
    def has_solution(self) -> bool:
        """Whether values can be read."""
        return self.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}


def solve(
    model: cp_model.CpModel, params: SolveParams, deterministic_limit: float, relative_gap: float = 0.0
) -> Answer:
    """Solve a CP-SAT model on one thread, reproducibly.

    Parameters
    ----------
    model
        To be minimised.
    params
        Gives the seed.
    deterministic_limit
        Work limit in CP-SAT's deterministic seconds; the same on every machine.
    relative_gap
        How close solution and bound must come; inf to stop at the first solution.

    Raises
    ------
    InternalError
        If CP-SAT calls the model invalid.
    """
    solver = cp_model.CpSolver()
    solver.parameters.linearization_level = 2
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = params.seed
    solver.parameters.max_deterministic_time = deterministic_limit
    if math.isinf(relative_gap):
        solver.parameters.stop_after_first_solution = True
    else:
        solver.parameters.relative_gap_limit = relative_gap
    status = solver.solve(model)
    if status not in _STATUS:
        raise InternalError(f"CP-SAT refused a model: {model.validate() or solver.status_name(status)}")
    known = _STATUS[status]
    has_value = known in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}
    objective = round(solver.objective_value) if has_value else 0
    bound = round(solver.best_objective_bound) if known is not SolveStatus.INFEASIBLE else 0
    return Answer(known, objective, bound, solver)
