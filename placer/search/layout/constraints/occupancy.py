"""No stage's devices may be busy for longer than a step."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.layout.variables import LayoutVariables
from placer.search.rows import HOST


def add(model: cp_model.CpModel, variables: LayoutVariables) -> None:
    """Add ``step >= m * busy time`` of every stage. Twin in ``verify``: occupancy."""
    problem = variables.problem
    for group in variables.groups:
        rows = [table.times[:, HOST + group].tolist() for table in variables.tables]
        for stage, load in enumerate(variables.stage_loads(group, rows)):
            busy = load + variables.outside_load(group, stage, of_bytes=False)
            model.add(variables.step >= problem.in_flight * busy)
