"""No port of a link may be busy for longer than a step, in either direction."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.rows import HOST_OUT
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for each direction of either group's ports: ``step >= m * (bytes sent / bandwidth)``.

    Per stage for the traffic inside layers; on average over the stages for all traffic, since only the layout knows
    where hidden states hop between layers. Half duplex counts both directions in each. Twin in ``verify``: links.
    """
    if not problem.has_side:
        return
    to_side, to_host = problem.crossing.ports
    for port in range(4):
        group = port // 2
        rows = [table.times[:, HOST_OUT + port] for table in problem.classes]
        loads = variables.stage_loads(problem, group, rows)
        for load, spread in loads:
            model.add(spread * variables.step >= problem.in_flight * load)
        busy = cp_model.LinearExpr.sum([load for load, _ in loads])
        busy = busy + to_side[port] * variables.to_side() + to_host[port] * variables.to_host(problem)
        model.add(problem.stages[group] * variables.step >= problem.in_flight * busy)
