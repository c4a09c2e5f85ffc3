"""No device may be busy for longer than a step, microbatches in flight counted."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.rows import HOST
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for every stage of every group: ``step >= m * busy time``. Twin in ``verify``: occupancy."""
    for group in range(2):
        rows = [table.times[:, HOST + group] for table in problem.classes]
        for stage, (load, spread) in enumerate(variables.stage_loads(problem, group, rows)):
            busy = load + variables.outside(problem, group, stage, of_bytes=False)
            model.add(spread * variables.step >= problem.in_flight * busy)
