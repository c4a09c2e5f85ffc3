"""From what survived to an assignment no rank of which is too full, with few moves."""

from __future__ import annotations

import numpy as np

from placer.replan.assignment import Held, Problem, num_moves, rank_loads, shares
from placer.replan.neighbours import View, best_change

#: Changes made at most on the way down.
_MOST_CHANGES = 400


def restored(problem: Problem, held: Held) -> Held:
    """Return an assignment in which every expert lies somewhere: the heaviest missing one first.

    Each goes to a free slot, or to that of a redundant copy, such that the loads get as even as they can (least sum of
    squares).
    """
    held = held.copy()
    lost = np.flatnonzero(~held.any(axis=0))
    for expert in lost[np.argsort(-problem.loads[lost], kind="stable")]:
        load, share, copies = rank_loads(held, problem.loads), shares(held, problem.loads), held.sum(axis=0)
        best, chosen = np.inf, (-1, -1)
        for rank, evicted in _rooms(problem, held):
            after = load.copy()
            if evicted >= 0:
                rest = problem.loads[evicted] / (copies[evicted] - 1)
                after += held[:, evicted] * (rest - share[evicted])
                after[rank] = load[rank] - share[evicted]
            after[rank] += problem.loads[expert]
            squares = float((after**2).sum())
            if squares < best:
                best, chosen = squares, (rank, evicted)
        if chosen[1] >= 0:
            held[chosen] = False
        held[chosen[0], expert] = True
    return held


def _rooms(problem: Problem, held: Held) -> list[tuple[int, int]]:
    free = np.flatnonzero(held.sum(axis=1) < problem.slots)
    ranks, experts = np.nonzero(held & (held.sum(axis=0) > 1)[None, :])
    return [(int(rank), -1) for rank in free] + [(int(r), int(e)) for r, e in zip(ranks, experts, strict=True)]


def lightened(problem: Problem, held: Held, target: float) -> tuple[Held, float]:
    """Return an assignment after the changes that help most per move, and the squared load left above the target."""
    held = held.copy()
    for _ in range(_MOST_CHANGES):
        view = View(problem, held, target)
        if view.excess == 0.0:
            break
        change = best_change(view)
        if change is None:
            break
        for spot in change.drops:
            held[spot] = False
        for spot in change.adds:
            held[spot] = True
    return held, View(problem, held, target).excess


def repaired(
    problem: Problem, target: float, rounds: int, seed: int = 0, start: Held | None = None
) -> tuple[Held, float]:
    """Return an assignment of few moves, and the squared load left above the target (0: it is met).

    After a first repair, rounds of the same: a few ranks get back what they held at first, and the repair is done anew;
    the better of before and after is kept (large neighbourhood search).

    Parameters
    ----------
    problem
        The layer.
    target
        Load no rank should exceed.
    rounds
        How often a few ranks are set back.
    seed
        Of the choice of ranks.
    start : ndarray of bool, shape (ranks, experts)
        An assignment to start from; None: what there is.
    """
    random = np.random.default_rng(seed)
    held, left = lightened(problem, restored(problem, problem.old if start is None else start), target)
    moves = num_moves(held, problem.old)
    for _ in range(rounds):
        changed = np.flatnonzero((held != problem.old).any(axis=1))
        if not len(changed) or (left == 0.0 and moves == 0):
            break
        count = min(len(changed), int(random.integers(2, 7)))
        back = random.choice(changed, size=count, replace=False)
        trial = held.copy()
        trial[back] = problem.old[back]
        trial, trial_left = lightened(problem, restored(problem, trial), target)
        trial_moves = num_moves(trial, problem.old)
        if (trial_left, trial_moves) <= (left, moves):
            held, left, moves = trial, trial_left, trial_moves
    return held, left
