"""Every layer lies in exactly one way."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for every run ``r``: ``sum over ways w of n[r, w] = N[r]``.

    Twin in ``verify``: residency.
    """
    del problem
    for run in variables.runs:
        model.add(cp_model.LinearExpr.sum(run.count) == run.run.count)
