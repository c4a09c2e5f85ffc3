"""Stages take turns: each serves its share of the microbatches, then passes them on."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.layout.variables import LayoutVariables


def add(model: cp_model.CpModel, variables: LayoutVariables) -> None:
    """Add ``step >= turns * time that a share of the microbatches takes`` for every stage.

    Twin in ``verify``: turns.
    """
    problem = variables.problem
    for group, chain in problem.chains:
        rows = [table.turns[group, chain].tolist() for table in variables.tables]
        for stage, load in enumerate(variables.stage_loads(group, rows)):
            taken = load + variables.outside_load(group, stage, of_bytes=False) * problem.outside_turn(group, chain)
            model.add(variables.step >= problem.num_turns(group) * taken)
