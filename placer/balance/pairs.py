"""Two slots a rank: heaviest with lightest is optimal for given replica counts, so only those are left to try."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.typing import NDArray

from placer.balance.bound import forced_counts
from placer.balance.state import Ranks

_MOST_TRIED = 20_000
_ROUNDING = 1e-9


def best_pairs(state: Ranks) -> Ranks | None:
    """Return an optimal placement, or None where that would take too many replica counts.

    Below the load of the placement at hand every expert has a least number of replicas; all ways to place the others
    are tried.

    Parameters
    ----------
    state
        A placement of two slots a rank; it is not changed.
    """
    ranks, slots = len(state.carried), state.experts.size
    least = forced_counts(state.loads, ranks, slots, state.max_load * (1 - _ROUNDING))
    if least is None:
        return state
    extras = slots - int(least.sum())
    if comb(len(state.loads) + extras - 1, extras) > _MOST_TRIED:
        return None
    best = state
    for chosen in combinations_with_replacement(range(len(state.loads)), extras):
        counts = least.copy()
        np.add.at(counts, list(chosen), 1)
        rows = paired(state.loads, counts)
        if float((state.loads / counts)[rows].sum(axis=1).max()) < best.max_load * (1 - _ROUNDING):
            best = Ranks(state.loads, rows)
    return best


def paired(loads: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the experts of every rank, shape (ranks, 2), heaviest with lightest.

    Parameters
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    counts : ndarray, shape (experts,)
        Replicas of every expert; they add up to an even number.

    Examples
    --------
    >>> paired(np.array([6.0, 5.0, 1.0]), np.array([2, 1, 1])).tolist()
    [[2, 1], [0, 0]]
    """
    items = np.repeat(np.arange(len(loads)), counts)
    rising = items[np.argsort((loads / counts)[items], kind="stable")]
    half = len(items) // 2
    return np.stack([rising[:half], rising[::-1][:half]], axis=1)
