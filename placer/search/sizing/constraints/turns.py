"""Stages take turns: each serves its share of the microbatches, then passes them on."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for every stage: ``step >= turns * time that a share of the microbatches takes``.

    Twin in ``verify``: turns.
    """
    for group, chain in problem.chains:
        rows = [table.turns[group, chain] for table in problem.classes]
        for stage, (load, spread) in enumerate(variables.stage_loads(problem, group, rows)):
            taken = load + variables.outside(problem, group, stage, of_bytes=False) * problem.outside_turn(group, chain)
            model.add(spread * variables.step >= problem.num_turns(group) * taken)
