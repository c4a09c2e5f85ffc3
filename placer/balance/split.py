"""Two ranks share their replicas anew, as evenly as can be: meet in the middle."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Loads = NDArray[np.float64]
Choice = NDArray[np.int64]

#: Replicas of either rank that are dealt anew; 2^9 subsets of each.
MOST_DEALT = 9


@lru_cache(maxsize=MOST_DEALT + 1)
def _subsets(size: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return all subsets of so many items, shape (2^size, size), and how many items each has."""
    chosen = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
    table = chosen.astype(np.float64)
    table.setflags(write=False)
    return table, chosen.sum(axis=1)


def split(first: Loads, second: Loads, wanted: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_], float]:
    """Choose as many of all items as are in the first half, so that they weigh as near as can be to what is wanted.

    Parameters
    ----------
    first, second : ndarray, shape (items,)
        Weights of the items of two ranks, at most `MOST_DEALT` each, and equally many.
    wanted
        Weight the chosen items should have.

    Returns
    -------
    kept, taken : ndarray, shape (items,)
        Which of the first and of the second half are chosen.
    weight
        What they weigh.

    Examples
    --------
    >>> kept, taken, weight = split(np.array([5.0, 4.0]), np.array([2.0, 1.0]), 6.0)
    >>> kept.tolist(), taken.tolist(), weight
    ([True, False], [False, True], 6.0)
    """
    size = len(first)
    table, numbers = _subsets(size)
    ours, theirs = table @ first, table @ second
    # Subsets whose numbers add up to the size meet in one sorted list: numbers are set far apart from each other.
    apart = 4 * (float(first.sum()) + float(second.sum()) + abs(wanted)) + 1.0
    keys = (size - numbers) * apart + theirs
    order = np.argsort(keys)
    ranked = keys[order]
    aim = numbers * apart + (wanted - ours)
    above = np.minimum(np.searchsorted(ranked, aim), len(ranked) - 1)
    below = np.maximum(above - 1, 0)
    miss_above, miss_below = np.abs(ranked[above] - aim), np.abs(ranked[below] - aim)
    best_above, best_below = int(miss_above.argmin()), int(miss_below.argmin())
    if miss_above[best_above] <= miss_below[best_below]:
        ours_index, theirs_index = best_above, int(order[above[best_above]])
    else:
        ours_index, theirs_index = best_below, int(order[below[best_below]])
    kept, taken = table[ours_index].astype(bool), table[theirs_index].astype(bool)
    return kept, taken, float(ours[ours_index] + theirs[theirs_index])
