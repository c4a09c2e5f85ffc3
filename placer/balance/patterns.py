"""A stronger bound for few slots a rank: how many ranks it takes if none may carry more than a target.

A *pattern* is what one rank may hold: at most as many replicas as slots, of at most the target together. The linear
program chooses how often each pattern is used, and a mixture of replica counts for every expert, so that all replicas
are held, on as few ranks as can be. If that takes more than there are, the target is ruled out. Patterns are generated.

The program only guesses. What proves is a value ``f[e, r]`` for every replica of expert ``e`` with ``r`` replicas, and
a price ``p`` of a slot: if no pattern is worth more than ``v``, then the ranks needed are at least ::

    (sum_e min_r r * (f[e, r] - p) + p * slots) / v

whatever the replica counts, for any ``f`` of zero or more and any ``p``. ``v`` is a knapsack with loads rounded down,
which makes it larger, never smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.balance.bound import forced_counts

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_MOST_OPTIONS = 400
_MOST_SLOTS = 12
#: Patterns generated for a target, and for all targets together.
_ROUNDS, _ALL_ROUNDS = 60, 120
_BISECTIONS = 10
_CLOSE = 1e-4
_GRID = 2_000
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class Items:
    """Replicas that may be held, one entry for an expert and a replica count.

    Attributes
    ----------
    expert, replicas : ndarray, shape (options,)
        Whose they are, and how many there are of each.
    weight : ndarray, shape (options,)
        Load of each, in grid steps of the target, rounded down.
    """

    expert: Index
    replicas: Index
    weight: Index


def pattern_bound(loads: Array, ranks: int, slots: int, low: float, high: float) -> float:
    """Return a bound between one already known and the best achieved, or the former.

    Parameters
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    ranks, slots
        Ranks, and slots on all of them.
    low, high
        The known bound, and the load of a placement.
    """
    if slots // ranks > _MOST_SLOTS:
        return low
    rounds = _ALL_ROUNDS
    for _ in range(_BISECTIONS):
        if high - low <= _CLOSE * high or rounds <= 0:
            break
        middle = (low + high) / 2
        is_ruled_out, used = _is_ruled_out(loads, ranks, slots, middle, min(rounds, _ROUNDS))
        rounds -= used
        if is_ruled_out:
            low = middle
        else:
            high = middle
    return low


def _is_ruled_out(loads: Array, ranks: int, slots: int, target: float, rounds: int) -> tuple[bool, int]:
    """Return whether a target is ruled out, and the patterns that took."""
    counts = forced_counts(loads, ranks, slots, target)
    if counts is None:
        return True, 0
    extras = slots - int(counts.sum())
    if len(loads) * (extras + 1) > _MOST_OPTIONS:
        return False, 0
    expert = np.repeat(np.arange(len(loads)), extras + 1)
    replicas = counts[expert] + np.tile(np.arange(extras + 1), len(loads))
    weight = np.floor(loads[expert] / replicas / target * _GRID * (1 - 1e-12)).astype(np.int64)
    return _takes_more(Items(expert, replicas, weight), ranks, slots, rounds)


def _takes_more(items: Items, ranks: int, slots: int, rounds: int) -> tuple[bool, int]:
    """Return whether holding the replicas is proven to take more ranks than there are, and the patterns that took."""
    master = _Master(items, slots)
    room = slots // ranks
    for used in range(rounds):
        needed, value, price = master.solve()
        if needed <= ranks * (1 + _TOLERANCE):
            return False, used + 1
        best, pattern = best_pattern(value, items, room)
        if _ranks_needed(value, price, items, slots) > best * ranks * (1 + _TOLERANCE):
            return True, used + 1
        if best <= 1 + _TOLERANCE:
            return False, used + 1
        master.add(pattern)
    return False, rounds


def _ranks_needed(value: Array, price: float, items: Items, slots: int) -> float:
    """Return what the values prove, were no pattern worth more than one."""
    cost = items.replicas * (value - price)
    least = np.full(int(items.expert.max()) + 1, np.inf)
    np.minimum.at(least, items.expert, cost)
    return float(least.sum()) + price * slots


def best_pattern(value: Array, items: Items, room: int) -> tuple[float, Index]:
    """Return the most a pattern is worth, and the pattern: replicas of every option, shape (options,)."""
    best = np.zeros((room + 1, _GRID + 1))
    steps: list[tuple[int, NDArray[np.bool_]]] = []
    for option in np.flatnonzero(value > 0).tolist():
        weight = int(items.weight[option])
        if weight > _GRID:
            continue
        for _ in range(min(int(items.replicas[option]), room)):
            taken = best[:-1, : _GRID + 1 - weight] + value[option]
            is_better = taken > best[1:, weight:]
            if not is_better.any():
                break
            best[1:, weight:] = np.where(is_better, taken, best[1:, weight:])
            steps.append((option, is_better))
    pattern = np.zeros(len(value), dtype=np.int64)
    number, capacity = room, _GRID
    for option, is_better in reversed(steps):
        weight = int(items.weight[option])
        if number and capacity >= weight and is_better[number - 1, capacity - weight]:
            pattern[option] += 1
            number, capacity = number - 1, capacity - weight
    return float(best[room, _GRID]), pattern


class _Master:
    """The linear program over the patterns known so far."""

    def __init__(self, items: Items, slots: int) -> None:
        from ortools.linear_solver import pywraplp  # noqa: PLC0415 loads the solver

        self._solver: Any = pywraplp.Solver.CreateSolver("GLOP")
        infinity = self._solver.infinity()
        shares = [self._solver.NumVar(0.0, 1.0, "") for _ in items.expert]
        self._held = []
        for share, replicas in zip(shares, items.replicas.tolist(), strict=True):
            held = self._solver.Constraint(0.0, infinity)
            held.SetCoefficient(share, -float(replicas))
            self._held.append(held)
        for expert in range(int(items.expert.max()) + 1):
            whole = self._solver.Constraint(1.0, 1.0)
            for index in np.flatnonzero(items.expert == expert).tolist():
                whole.SetCoefficient(shares[index], 1.0)
        self._filled = self._solver.Constraint(float(slots), float(slots))
        for share, replicas in zip(shares, items.replicas.tolist(), strict=True):
            self._filled.SetCoefficient(share, float(replicas))
        self._solver.Objective().SetMinimization()
        for option in range(len(items.expert)):
            pattern = np.zeros(len(items.expert), dtype=np.int64)
            pattern[option] = 1
            self.add(pattern)

    def add(self, pattern: Index) -> None:
        """Let a pattern be used."""
        used = self._solver.NumVar(0.0, self._solver.infinity(), "")
        self._solver.Objective().SetCoefficient(used, 1.0)
        for option in np.flatnonzero(pattern).tolist():
            self._held[option].SetCoefficient(used, float(pattern[option]))

    def solve(self) -> tuple[float, Array, float]:
        """Return ranks needed, the values of replicas, shape (options,), and the price of a slot."""
        self._solver.Solve()
        value = np.array([max(row.dual_value(), 0.0) for row in self._held])
        return float(self._solver.Objective().Value()), value, float(self._filled.dual_value())
