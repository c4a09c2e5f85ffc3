"""CP-SAT, where it can prove or improve: small layers whole, and a few ranks of large ones.

Loads become integers, rounded up, so that no placement looks better than it is; a bound is lowered by all that rounding
may have added. The limit is CP-SAT's deterministic time and one worker: the same placement on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.balance.state import Ranks

Loads = NDArray[np.float64]
Slots = NDArray[np.int64]

#: Load of the fullest rank as an integer.
_SCALE = 10**6
_GAP = 1e-5


@dataclass(frozen=True)
class Found:
    """What CP-SAT says.

    Attributes
    ----------
    experts : ndarray, shape (ranks, slots per rank), or None
        A placement, if one was found.
    bound
        No placement has a lower maximum load.
    """

    experts: Slots | None
    bound: float


def place(state: Ranks, options: Slots, *, limit_s: float, seed: int) -> Found:
    """Place replicas on ranks so that the fullest carries least, starting from a placement.

    ``x[e, r, k]`` replicas of expert ``e``, which has ``r`` in all, lie on rank ``k``; ``y[e, r]`` says that it has
    ``r``. A rank has as many replicas as slots, an expert as many as chosen, and ``max_load`` is at least the load of
    every rank. Ranks are alike, so their loads may be taken to fall.

    Parameters
    ----------
    state
        Where to start.
    options : ndarray, shape (options, 2)
        Expert and replica count of every option; the counts of the start are among them.
    limit_s
        Work limit in CP-SAT's deterministic seconds.
    seed
        Of CP-SAT.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415 loads the solver

    # Data
    num_ranks, room = state.experts.shape
    quantum = state.max_load / _SCALE
    pairs = [(int(expert), int(count)) for expert, count in options]
    weight = [int(np.ceil(state.loads[expert] / count / quantum)) for expert, count in pairs]

    # Variables
    model = cp_model.CpModel()
    held = [
        [model.new_int_var(0, min(room, count), f"x[{expert},{count},{rank}]") for rank in range(num_ranks)]
        for expert, count in pairs
    ]
    chosen = [model.new_bool_var(f"y[{expert},{count}]") for expert, count in pairs]
    max_load = model.new_int_var(0, _SCALE + room, "max_load")

    # Constraints
    for expert in {expert for expert, _ in pairs}:
        model.add_exactly_one(chosen[index] for index, pair in enumerate(pairs) if pair[0] == expert)
    for index, (_, count) in enumerate(pairs):
        model.add(sum(held[index]) == count * chosen[index])
    for rank in range(num_ranks):
        model.add(sum(row[rank] for row in held) == room)
    carried = [sum(each * row[rank] for each, row in zip(weight, held, strict=True)) for rank in range(num_ranks)]
    model.add(carried[0] <= max_load)
    for fuller, emptier in pairwise(carried):
        model.add(fuller >= emptier)
    _hint(model, state, pairs, held, chosen)

    # Objective, solve, extract
    model.minimize(max_load)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = limit_s
    solver.parameters.relative_gap_limit = _GAP
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return Found(None, 0.0)
    rows = [
        [pair[0] for pair, row in zip(pairs, held, strict=True) for _ in range(solver.value(row[rank]))]
        for rank in range(num_ranks)
    ]
    return Found(np.array(rows, dtype=np.int64), max((solver.best_objective_bound - room) * quantum, 0.0))


def _hint(model: Any, state: Ranks, pairs: list[tuple[int, int]], held: list[list[Any]], chosen: list[Any]) -> None:
    order = np.argsort(-state.carried, kind="stable").tolist()
    for index, (expert, count) in enumerate(pairs):
        is_chosen = int(state.counts[expert]) == count
        model.add_hint(chosen[index], int(is_chosen))
        for place_, rank in enumerate(order):
            model.add_hint(held[index][place_], int((state.experts[rank] == expert).sum()) if is_chosen else 0)


def all_options(state: Ranks) -> Slots:
    """Return every expert with every replica count it can have, shape (options, 2)."""
    most = state.experts.size - len(state.loads) + 1
    return np.array([(expert, count) for expert in range(len(state.loads)) for count in range(1, most + 1)])


def improve_ranks(state: Ranks, others: int, *, limit_s: float, seed: int) -> bool:
    """Let the fullest rank and some others share their replicas anew; return whether the fullest fell.

    Parameters
    ----------
    state
        Changed in place.
    others
        How many of the emptiest ranks take part.
    limit_s, seed
        See `place`.
    """
    order = np.argsort(state.carried, kind="stable")
    part = np.concatenate([order[-1:], order[: min(others, len(order) - 1)]])
    names, members = np.unique(state.experts[part], return_inverse=True)
    inner = members.reshape(len(part), -1)
    counts = np.bincount(inner.ravel())
    sub = Ranks(state.shares[names] * counts, inner)
    found = place(sub, np.stack([np.arange(len(names)), counts], axis=1), limit_s=limit_s, seed=seed)
    if found.experts is None:
        return False
    new = names[found.experts]
    if float(state.shares[new].sum(axis=1).max()) >= state.max_load * (1 - _GAP):
        return False
    for rank, row in zip(part.tolist(), new, strict=True):
        state.deal(rank, row)
    return True
