"""Fewer moves with weighted shares: a part of the table is dealt anew, exactly, with at least one move less."""

from __future__ import annotations

import numpy as np

from placer.replan.assignment import Held, Problem, num_moves
from placer.replan.guided import ROUNDING, is_close, with_arrivals

#: How often a part is dealt anew at full effort.
_ROUNDS = 20
#: Ranks dealt anew at a time, work limit of each time [deterministic s], and the share of other experts that may move.
_RANKS, _LIMIT, _LOOSE = 6, 0.08, 0.05
#: Experts that may arrive beside those that do.
_MORE = (0, 2, 4, 8)


def thinned(problem: Problem, target: float, held: Held, bound: int, effort: float) -> Held:
    """Return an assignment of as many moves or fewer (large neighbourhood search).

    In turn what arrives may arrive elsewhere, with a few other experts, and a few ranks are dealt anew.

    Parameters
    ----------
    problem
        The layer, with weighted shares.
    target
        Load no rank may exceed.
    held : ndarray of bool, shape (ranks, experts)
        An assignment that keeps to it.
    bound
        Proven; at a fifth more moves the search is content.
    effort
        Rounds, relative to the default.
    """
    random = np.random.default_rng(0)
    for number in range(int(_ROUNDS * effort)):
        if is_close(problem, held, bound):
            break
        most = num_moves(held, problem.old) - 1
        if number % 2:
            found = _ranks_anew(problem, target, held, most, random)
        else:
            arriving = np.asarray((held & ~problem.old).any(axis=0))
            others = np.flatnonzero(~arriving)
            more = random.choice(others, size=min(len(others), _MORE[number // 2 % len(_MORE)]), replace=False)
            arriving[more] = True
            found = with_arrivals(problem, target, (arriving, held.sum(axis=0) > 1), (most, 1.0), seed=number)
        held = held if found is None else found
    return held


def _ranks_anew(problem: Problem, target: float, held: Held, most: int, random: np.random.Generator) -> Held | None:
    """Deal a few ranks anew, half of them such that something arrived at; experts that never moved mostly stay."""
    from placer.search.weighted_moves import Scope, moves_within  # noqa: PLC0415 OR-Tools is only loaded where it is used

    new = held & ~problem.old
    arrived = np.flatnonzero(new.any(axis=1))
    first = random.choice(arrived, size=min(len(arrived), _RANKS // 2), replace=False)
    others = np.setdiff1d(np.arange(problem.num_ranks), first)
    rest = random.choice(others, size=min(len(others), _RANKS - len(first)), replace=False)
    is_free = np.zeros(problem.num_ranks, dtype=np.bool_)
    is_free[first] = is_free[rest] = True
    is_near = (held | problem.old)[is_free].any(axis=0)
    is_loose = (problem.old.sum(axis=0) != 1) | new.any(axis=0) | (random.random(held.shape[1]) < _LOOSE)
    scope = Scope(held, is_free[:, None] & (is_near & is_loose)[None, :], np.zeros_like(is_near))
    return moves_within(problem, target * (1.0 - ROUNDING), scope, most, _LIMIT)
