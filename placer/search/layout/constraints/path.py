"""The critical path of one microbatch: ops, hops between groups, hops between stages, return of the token."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.layout.variables import LayoutVariables
from placer.search.rows import PATH
from placer.search.sizing.variables import Sum


def add(model: cp_model.CpModel, variables: LayoutVariables) -> None:
    """Add ``step >= sum of op times + hops``.

    At a junction hidden states hop between the groups where one side's end meets the other side's start; where both
    lie on one group they hop between its stages if these differ. Twin in ``verify``: the critical path.
    """
    problem, crossing = variables.problem, variables.problem.crossing
    total: Sum = 0
    for ways, table in zip(variables.way, variables.tables, strict=True):
        total = total + cp_model.LinearExpr.weighted_sum(ways, table.times[:, PATH].tolist())
    for op, literal in zip((problem.embedding, problem.lm_head), variables.on_side, strict=True):
        total = total + op.time[0] + (op.time[1] - op.time[0]) * literal
    for junction, (to_side, to_host) in enumerate(variables.hops):
        ends, starts = variables.leaves_side(junction), variables.enters_side(junction)
        model.add(to_side >= starts - ends)
        model.add(to_host >= ends - starts)
        total = total + crossing.to_side * to_side + crossing.to_host * to_host
    for group in variables.groups:
        if problem.stages[group] > 1:
            total = total + _stage_hops(model, variables, group)
    model.add(variables.step >= total + _token_return(model, variables) + problem.drafter.waiting)
    if problem.least:
        model.add(variables.step >= problem.least)


def _stage_hops(model: cp_model.CpModel, variables: LayoutVariables, group: int) -> Sum:
    cost, last = variables.problem.crossing.stage[group], variables.problem.stages[group] - 1
    hops = []
    for junction in range(variables.num_layers + 1):
        moves = model.new_bool_var(f"junction{junction}.group{group}.moves")
        hop = model.new_bool_var(f"junction{junction}.group{group}.hop")
        moved = variables.stage_index(group, junction) - variables.stage_index(group, junction - 1)
        model.add(moved <= last * moves)
        ends, starts = variables.leaves_side(junction), variables.enters_side(junction)
        stays = ends + starts - 1 if group else 1 - ends - starts
        model.add(hop >= moves + stays - 1)
        hops.append(hop)
    return cost * cp_model.LinearExpr.sum(hops)


def _token_return(model: cp_model.CpModel, variables: LayoutVariables) -> Sum:
    crossing, (first, last) = variables.problem.crossing, variables.on_side
    differs = model.new_int_var(0, len(variables.groups) - 1, "token.hops")
    model.add(differs >= first - last)
    model.add(differs >= last - first)
    total: Sum = crossing.token * differs
    for group in variables.groups:
        if variables.problem.stages[group] > 1:
            both = model.new_bool_var(f"token.group{group}")
            model.add(both >= (first + last - 1 if group else 1 - first - last))
            total = total + crossing.stage_token[group] * both
    return total
