"""Weights and KV cache must fit the devices."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for every stage of every group: ``bytes held <= capacity of a device``. Twin in ``verify``: capacity."""
    for group in range(2):
        rows = [table.volumes(group) for table in problem.classes]
        for stage, (load, spread) in enumerate(variables.stage_loads(problem, group, rows)):
            held = load + variables.outside(problem, group, stage, of_bytes=True)
            model.add(held <= spread * problem.capacity[group])
