"""No stage's port may be busy for longer than a step, in either direction."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.layout.variables import LayoutVariables
from placer.search.rows import HOST_OUT
from placer.search.sizing.variables import Sum


def add(model: cp_model.CpModel, variables: LayoutVariables) -> None:
    """Add ``step >= m * busy time`` of every port of every stage. Twin in ``verify``: links."""
    problem = variables.problem
    if not problem.has_side:
        return
    for group in variables.groups:
        for port in (2 * group, 2 * group + 1):
            rows = [table.times[:, HOST_OUT + port].tolist() for table in variables.tables]
            loads = zip(variables.stage_loads(group, rows), _hop_loads(model, variables, group, port), strict=True)
            for within, between in loads:
                model.add(variables.step >= problem.in_flight * (within + between))


def _hop_loads(model: cp_model.CpModel, variables: LayoutVariables, group: int, port: int) -> list[Sum]:
    """Return, per stage, what hops at junctions load on a port.

    A hop leaves from the stage of the layer before the junction and arrives at the stage of the layer after it.
    """
    num_stages = variables.problem.stages[group]
    terms: list[list[Sum]] = [[] for _ in range(num_stages)]
    for junction, hops in enumerate(variables.hops):
        for direction, hop in enumerate(hops):
            cost = variables.problem.crossing.ports[direction][port]
            layer = junction - 1 if direction == group else junction
            if cost:
                for stage, part in enumerate(_hop_parts(model, variables, (group, layer), hop)):
                    terms[stage].append(cost * part)
    return [cp_model.LinearExpr.sum(entry) if entry else 0 for entry in terms]


def _hop_parts(
    model: cp_model.CpModel, variables: LayoutVariables, at: tuple[int, int], hop: cp_model.IntVar
) -> list[Sum]:
    group, layer = at
    num_stages = variables.problem.stages[group]
    if num_stages == 1:
        return [hop]
    if layer < 0 or layer == variables.num_layers:
        home = 0 if layer < 0 else num_stages - 1
        return [hop if stage == home else 0 for stage in range(num_stages)]
    parts: list[Sum] = []
    for literal in variables.at[group][layer]:
        part = model.new_bool_var("")
        model.add(part >= hop + literal - 1)
        parts.append(part)
    return parts
