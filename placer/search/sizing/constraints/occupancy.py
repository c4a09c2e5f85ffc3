"""No device and no fabric may be busy for longer than a step, microbatches in flight counted."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.rows import HOST, HOST_FABRIC
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for devices and fabric of every stage: ``step >= m * busy time``. Twin in ``verify``: occupancy."""
    for group in range(2):
        for column in (HOST, HOST_FABRIC):
            rows = [table.times[:, column + group] for table in problem.classes]
            for stage, (load, spread) in enumerate(variables.stage_loads(problem, group, rows)):
                outside = variables.outside(problem, group, stage, of_bytes=False) if column == HOST else 0
                model.add(spread * variables.step >= problem.in_flight * (load + outside))
