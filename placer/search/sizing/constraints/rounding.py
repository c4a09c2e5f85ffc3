"""Whole layers in stages, where a fluid problem does not tell the stages apart."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.plan.placement import Way
from placer.search.quantize import Integers
from placer.search.rows import HOST
from placer.search.sizing.constraints.stage_hops import VISITING, times_entered
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables, Sum

#: Stages are looked at in so many parts: layers above a half, a third, a quarter of a stage count as such.
PARTS = (1, 2, 3)


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add ``sum of n[r, p] * (ceil((k + 1) load[p] / limit) - 1) <= k * stages`` for bytes and busy time, small ``k``.

    The dual feasible function ``u(k)`` of Fekete and Schepers: whatever fits one stage has a sum of at most ``k``. The
    same holds for the layers hidden states stop at and the stages they visit. A layer that fits no stage is ruled out.
    And of the layers that take at least ``t`` some stage has ``ceil(number / stages)``: ``step >= m * t`` times that.
    """
    for group in range(2):
        if problem.stages[group] < 2 or variables.content[group]:
            continue
        bytes_held = [table.volumes(group) for table in problem.classes]
        busy = [table.times[:, HOST + group] * problem.in_flight for table in problem.classes]
        visited = model.new_int_var(0, problem.stages[group], f"group{group}.visited")
        for rows, limit in ((bytes_held, problem.capacity[group]), (busy, problem.longest)):
            for parts in PARTS:
                terms = _rounded(model, variables, problem, (rows, limit, parts))
                stopping = [term for way, term in terms if way in VISITING[group]]
                model.add(cp_model.LinearExpr.sum([term for _, term in terms]) <= parts * problem.stages[group])
                model.add(cp_model.LinearExpr.sum(stopping) <= parts * visited)
        model.add(variables.stage_hops[group] >= visited - times_entered(variables, problem, group))
        for class_index in range(len(problem.classes)):
            _add_fullest_stage(model, variables, problem, (group, class_index))


def _rounded(
    model: cp_model.CpModel,
    variables: SizingVariables,
    problem: SizingProblem,
    limits: tuple[list[Integers], int, int],
) -> list[tuple[Way, Sum]]:
    rows, limit, parts = limits
    terms: list[tuple[Way, Sum]] = []
    for run in variables.runs:
        placements = problem.classes[run.run.class_index].placements
        loads = rows[run.run.class_index].tolist()
        for count, load, placement in zip(run.count, loads, placements, strict=True):
            weight = -(-(parts + 1) * load // max(limit, 1)) - 1 if load else 0
            if load > limit:
                model.add(count == 0)
            elif weight > 0:
                terms.append((placement.way, weight * count))
    return terms


def _add_fullest_stage(
    model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem, of: tuple[int, int]
) -> None:
    group, class_index = of
    table = problem.classes[class_index]
    rows = [(table.times[:, HOST + group].tolist(), problem.in_flight)]
    turns = problem.num_turns(group)
    rows += [(table.turns[group, chain].tolist(), turns) for chain in problem.chains_of(group)]
    counts = [run.count for run in variables.runs if run.run.class_index == class_index]
    for times, often in rows:
        for least in sorted({time for time in times if time > 0}):
            slow = [count[number] for count in counts for number, time in enumerate(times) if time >= least]
            fullest = model.new_int_var(0, sum(run.count for run in problem.runs), f"group{group}.fullest{least}")
            model.add(problem.stages[group] * fullest >= cp_model.LinearExpr.sum(slow))
            model.add(variables.step >= often * least * fullest)
