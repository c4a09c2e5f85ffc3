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


def exchange_replicas(state: Ranks, target: float, random: np.random.Generator, *, tries: int) -> Ranks:
    """Give slots of experts with several replicas to experts of the fullest rank, while that lowers it.

    Parameters
    ----------
    state
        Where to start; it is not changed.
    target
        Load of the fullest rank that is good enough.
    random
        Of `placer.balance.even.even_out`.
    tries
        Changes to follow up at most.

    Returns
    -------
    Ranks
        As good or better.
    """
    steps = _PAIRS_PER_RANK * len(state.carried)
    while tries > 0 and state.max_load > target:
        found = None
        for change in _changes(state, target, most=tries):
            tries -= 1
            trial = state.copy()
            trial.replace(*change)
            even_out(trial, target, random, steps=steps)
            if trial.max_load < state.max_load * (1 - _LEAST_GAIN):
                found = trial
                break
        if found is None:
            return state
        state = found
    return state


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
