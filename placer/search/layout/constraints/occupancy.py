"""No stage's devices, and no stage's fabric, may be busy for longer than a step."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.layout.variables import LayoutVariables
from placer.search.rows import HOST, HOST_FABRIC


def add(model: cp_model.CpModel, variables: LayoutVariables) -> None:
    """Add ``step >= m * busy time`` for devices and fabric of every stage. Twin in ``verify``: occupancy."""
    problem = variables.problem
    for group in variables.groups:
        for column in (HOST, HOST_FABRIC):
            rows = [table.times[:, column + group].tolist() for table in variables.tables]
            for stage, load in enumerate(variables.stage_loads(group, rows)):
                outside = variables.outside_load(group, stage, of_bytes=False) if column == HOST else 0
                model.add(variables.step >= problem.in_flight * (load + outside))
