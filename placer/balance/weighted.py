"""Tokens split unevenly over copies: the split with the emptiest fullest rank, exactly.

Which copy serves a token is the engine's choice. Most deal tokens evenly, in turn or at random; a load balancer such as
DeepSeek's LPLB (https://github.com/deepseek-ai/LPLB) chooses the split by a linear program. The one here: ``f[r, e]``
tokens of expert ``e`` go to rank ``r``, which has a copy; ``sum_r f[r, e]`` is the expert's load; minimise the largest
``sum_e f[r, e]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Held = NDArray[np.bool_]
Loads = NDArray[np.float64]


def weighted_loads(held: Held, loads: Loads) -> Loads:
    """Return the load of every copy, such that the fullest rank carries as little as it can.

    Parameters
    ----------
    held : ndarray of bool, shape (ranks, experts)
        Which rank has a copy of which expert.
    loads : ndarray, shape (experts,)
        Load of every expert; what has no copy is left out.

    Returns
    -------
    ndarray, shape (ranks, experts)

    Examples
    --------
    Rank 0 has an expert of its own, so most of the shared one goes to rank 1:

    >>> weighted_loads(np.array([[True, True], [False, True]]), np.array([2.0, 6.0])).round(6).tolist()
    [[2.0, 2.0], [0.0, 4.0]]
    """
    copies = held.sum(axis=0)
    even = np.where(held, loads / np.maximum(copies, 1), 0.0)
    shared = np.flatnonzero((copies > 1) & (loads > 0))
    if not len(shared):
        return even
    split = even.copy()
    split[:, shared] = _split(held[:, shared], loads[shared], even.sum(axis=1) - even[:, shared].sum(axis=1))
    # Rounding of the program must not make a split worse than the even one.
    return min(split, even, key=lambda table: float(table.sum(axis=1).max()))


def _split(held: Held, loads: Loads, base: Loads) -> Loads:
    """Return the optimal split of experts, shape (ranks, experts); ``base`` is what ranks carry anyway."""
    from ortools.linear_solver import pywraplp  # noqa: PLC0415 loads the solver

    # Data: in units of the mean, so that the solver's tolerances mean the same everywhere.
    unit = float(loads.sum() + base.sum()) / len(held)
    solver = pywraplp.Solver.CreateSolver("GLOP")

    # Variables
    fullest = solver.NumVar(0.0, solver.infinity(), "fullest")
    flow = {
        (int(rank), int(expert)): solver.NumVar(0.0, solver.infinity(), f"f[{rank},{expert}]")
        for rank, expert in np.argwhere(held)
    }

    # Constraints
    rows = [solver.Constraint(-solver.infinity(), -load / unit) for load in base.tolist()]
    wholes = [solver.Constraint(load / unit, load / unit) for load in loads.tolist()]
    for row in rows:
        row.SetCoefficient(fullest, -1.0)
    for (rank, expert), tokens in flow.items():
        rows[rank].SetCoefficient(tokens, 1.0)
        wholes[expert].SetCoefficient(tokens, 1.0)

    # Objective, solve, extract
    solver.Minimize(fullest)
    solver.Solve()
    split = np.zeros(held.shape)
    for cell, tokens in flow.items():
        split[cell] = max(tokens.solution_value(), 0.0)
    return np.asarray(split * (loads / split.sum(axis=0)))
