"""The order of layers, as far as it decides hops between the groups.

Layers of a run can be put in any order. Seen as arcs between the two groups (``near``, ``direct`` and ``split`` start
and end on the host, ``away`` on the sidecar, ``relay`` starts on the host and ends on the sidecar), an order is an
Euler trail, and in a graph of two nodes one exists exactly if the flow conditions below hold.
"""

from __future__ import annotations

from itertools import pairwise

from ortools.sat.python import cp_model

from placer.plan.placement import Way
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add the flow balance of every run, and the hops between runs.

    For ``N`` layers that start on side ``s``, end on side ``e`` and hop ``x`` times to the sidecar in between:
    ``away >= s + x``, ``N - away - relay >= (1 - e) + x``, ``back = relay + s - e + x >= 0``, and
    ``x + relay + back >= 1`` where both sides hold layers. Between runs, before the LM head and from it back to the
    embedding a hop is paid where the sides differ. Twin in ``verify``: the hops of the layer sequence.
    """
    if not problem.has_side:
        return
    for index in range(len(variables.runs)):
        _add_run(model, variables, problem, index)
    ends = [variables.embedding_on_side, *(run.ends_on_side for run in variables.runs)]
    starts = [*(run.starts_on_side for run in variables.runs), variables.lm_head_on_side]
    for index, (end, start) in enumerate(zip(ends, starts, strict=True)):
        model.add(variables.junction_to_side[index] >= start - end)
        model.add(variables.junction_to_host[index] >= end - start)
    for first, second in pairwise((variables.lm_head_on_side, variables.embedding_on_side, variables.lm_head_on_side)):
        model.add(variables.token_hops >= first - second)


def _add_run(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem, index: int) -> None:
    run = variables.runs[index]
    away = variables.layers_in(problem, index, Way.AWAY)
    relay = variables.layers_in(problem, index, Way.RELAY)
    back = variables.back(problem, index)
    model.add(away >= run.starts_on_side + run.hops_to_side)
    model.add(run.run.count - away - relay >= 1 - run.ends_on_side + run.hops_to_side)
    model.add(back >= 0)
    uses_side = model.new_bool_var(f"run{index}.has_away")
    uses_host = model.new_bool_var(f"run{index}.has_host")
    model.add(away <= run.run.count * uses_side)
    model.add(run.run.count - away <= run.run.count * uses_host)
    model.add(run.hops_to_side + relay + back >= uses_side + uses_host - 1)
