"""What a stage's devices hold must fit them."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.layout.variables import LayoutVariables


def add(model: cp_model.CpModel, variables: LayoutVariables) -> None:
    """Add ``bytes held <= capacity`` for every stage. Twin in ``verify``: capacity."""
    for group in variables.groups:
        rows = [table.volumes(group).tolist() for table in variables.tables]
        for stage, load in enumerate(variables.stage_loads(group, rows)):
            held = load + variables.outside_load(group, stage, of_bytes=True)
            model.add(held <= variables.problem.capacity[group])
