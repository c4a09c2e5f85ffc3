"""End-to-end latency of agents as constraints: the longest path through a DAG of calls (physics E5)."""

from __future__ import annotations

from collections.abc import Sequence

from ortools.sat.python import cp_model

from placer.search.portfolio.problem import Chain

#: A time [quanta of time]: a number, a variable, or a sum of them.
Time = int | cp_model.LinearExpr


def add(
    model: cp_model.CpModel, tpot_quanta: Sequence[Time], base_quanta: Sequence[Time], chains: Sequence[Chain]
) -> None:
    """Constrain ``end[j] >= end[i] + base + output tokens * tpot`` for ``i`` before ``j``, and ``end <= limit``.

    Parameters
    ----------
    model
        Gets one variable a call.
    tpot_quanta, base_quanta
        By model [quanta of time].
    chains
        Agents, calls in an order in which every call comes after those it waits for.
    """
    for number, chain in enumerate(chains):
        ends: list[cp_model.IntVar] = []
        for index, call in enumerate(chain.calls):
            end = model.new_int_var(0, chain.limit_quanta, f"end[{number},{index}]")
            duration = base_quanta[call.model] + call.output_tokens * tpot_quanta[call.model]
            model.add(end >= duration)
            for before in call.after:
                model.add(end >= ends[before] + duration)
            ends.append(end)
