"""Replica counts as a decision: a slot changes its expert, then ranks share anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.balance.even import even_out
from placer.balance.state import Ranks

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_LEAST_GAIN = 1e-6
#: Pairs of ranks that may share anew after a change, per rank.
_PAIRS_PER_RANK = 6
#: Best changes followed up before a random one; how many a random one is drawn from, and how many in a row.
_FOLLOWED, _KICKS, _KICK_LENGTH = 24, 64, 2
#: How often the search goes on from the best placement, not from the last.
_BACK = 0.5


def exchange_replicas(state: Ranks, target: float, random: np.random.Generator, *, tries: int) -> Ranks:
    """Give slots of experts with several replicas to other experts, while that lowers the fullest ranks.

    Where no single change does, one at random is made, and the search goes on from there.

    Parameters
    ----------
    state
        Where to start; it is not changed.
    target
        Load of the fullest rank that is good enough.
    random
        Chooses changes, and the replicas dealt anew in `placer.balance.even.even_out`.
    tries
        Changes to follow up at most.

    Returns
    -------
    Ranks
        As good or better.
    """
    best = state
    while best.max_load > target:
        state, tries = _descend(state, target, random, tries)
        if state.max_load < best.max_load * (1 - _LEAST_GAIN):
            best = state
        changes = _changes(state, target, most=_KICKS)
        if tries <= 0 or not changes:
            break
        state = best.copy() if random.random() < _BACK else state.copy()
        for _ in range(_KICK_LENGTH):
            changes = _changes(state, target, most=_KICKS)
            if not changes:
                break
            state.replace(*changes[int(random.integers(len(changes)))])
        even_out(state, target, random, steps=_PAIRS_PER_RANK * len(state.carried))
    return best


def _descend(state: Ranks, target: float, random: np.random.Generator, tries: int) -> tuple[Ranks, int]:
    """Follow changes that help until none does or tries run out; return where that leads, and the tries left."""
    steps = _PAIRS_PER_RANK * len(state.carried)
    while tries > 0 and state.max_load > target:
        for change in _changes(state, target, most=min(tries, _FOLLOWED)):
            tries -= 1
            trial = state.copy()
            trial.replace(*change)
            even_out(trial, target, random, steps=steps)
            if _is_more_even(trial, state):
                state = trial
                break
        else:
            break
    return state, tries


def _is_more_even(trial: Ranks, state: Ranks) -> bool:
    """Return whether the first loads that differ, fullest ranks first, are lower: replicas make ties common."""
    ours, theirs = np.sort(trial.carried)[::-1], np.sort(state.carried)[::-1]
    differs = np.flatnonzero(np.abs(ours - theirs) > _LEAST_GAIN * state.max_load)
    return len(differs) > 0 and bool(ours[differs[0]] < theirs[differs[0]])


def _changes(state: Ranks, target: float, most: int) -> list[tuple[int, int, int]]:
    """Return changes of one slot as rank, slot and new expert, the one that leaves least above the target first."""
    fullest = int(state.carried.argmax())
    held = np.zeros((len(state.loads), len(state.carried)))
    np.add.at(held, (state.experts, np.arange(len(state.carried))[:, None]), 1)
    ranks, slots = np.nonzero(state.counts[state.experts] > 1)
    losers = state.experts[ranks, slots]
    scores, changes = [], []
    for winner in np.unique(state.experts[fullest]):
        use = losers != winner
        after = _after(state, held, ranks[use], losers[use], int(winner))
        over = np.maximum(after - target, 0.0)
        scores.append((over**2).sum(axis=1))
        changes += [
            (rank, slot, int(winner)) for rank, slot in zip(ranks[use].tolist(), slots[use].tolist(), strict=True)
        ]
    order = np.argsort(np.concatenate(scores), kind="stable")[:most].tolist()
    return [changes[index] for index in order]


def _after(state: Ranks, held: Array, ranks: Index, losers: Index, winner: int) -> Array:
    """Return the loads of all ranks after each change, shape (changes, ranks)."""
    less = state.loads[losers] / (state.counts[losers] - 1)
    more = state.loads[winner] / (state.counts[winner] + 1)
    after = state.carried + (less - state.shares[losers])[:, None] * held[losers]
    after += (more - state.shares[winner]) * held[winner]
    after[np.arange(len(ranks)), ranks] += more - less
    return np.asarray(after)
