"""A fresh balance whose ranks are numbered so that most of it is in place already."""

from __future__ import annotations

import numpy as np

from placer.replan.assignment import Held, Problem


def matched_to(problem: Problem, fresh: Held) -> Held:
    """Return a fresh assignment with its rows dealt to the ranks that hold most of them.

    Greedily, then by swapping rows while that saves moves: a fallback, not an optimum.

    Parameters
    ----------
    problem
        Says what every rank holds.
    fresh : ndarray of bool, shape (ranks, experts)
        Any assignment to as many ranks.
    """
    common = problem.old.astype(np.int64) @ fresh.astype(np.int64).T
    left = common.copy()
    row_of = np.zeros(problem.num_ranks, dtype=np.int64)
    for _ in range(problem.num_ranks):
        rank, row = np.unravel_index(int(left.argmax()), left.shape)
        row_of[rank] = row
        left[rank, :] = left[:, row] = -1
    ranks = np.arange(problem.num_ranks)
    while True:
        kept = common[ranks, row_of]
        swapped = common[:, row_of]
        gain = swapped + swapped.T - kept[:, None] - kept[None, :]
        if gain.max() <= 0:
            return np.asarray(fresh[row_of])
        one, other = np.unravel_index(int(gain.argmax()), gain.shape)
        row_of[[one, other]] = row_of[[other, one]]
