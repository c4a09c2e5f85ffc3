"""Local search: the fullest rank and another share their replicas anew, until no pair of ranks helps."""

from __future__ import annotations

import numpy as np

from placer.balance.split import MOST_DEALT, split
from placer.balance.state import Ranks

#: A step must lower the fuller of two ranks by this share to count; keeps rounding from being taken for progress.
_LEAST_STEP = 1e-9
#: Up to so many slots a rank, whatever two ranks can do comes down to one replica of each changing places.
SINGLE_SWAPS_DO = 3


def even_out(state: Ranks, target: float, random: np.random.Generator, *, steps: int) -> int:
    """Lower the fullest rank by pairs, until it is at the target, no other rank can help, or steps run out.

    Every step lowers the fuller rank of a pair and lifts the other to less than that, so the sorted loads fall
    lexicographically and the search ends.

    Parameters
    ----------
    state
        Changed in place.
    target
        Load of the fullest rank that is good enough.
    random
        Chooses which replicas are dealt anew where a rank has more than `MOST_DEALT`.
    steps
        Pairs to try at most.

    Returns
    -------
    int
        Pairs tried.
    """
    tried = 0
    while tried < steps:
        fullest = int(state.carried.argmax())
        if state.carried[fullest] <= target:
            return tried
        if state.experts.shape[1] <= SINGLE_SWAPS_DO:
            tried += 1
            if not swap_best(state, fullest):
                return tried
            continue
        for other in np.argsort(state.carried, kind="stable").tolist()[: steps - tried]:
            if other == fullest:
                return steps
            tried += 1
            if share_anew(state, fullest, other, random):
                break
    return tried


def swap_best(state: Ranks, fullest: int) -> bool:
    """Let a replica of the fullest rank change places with the best one elsewhere; return whether that helped."""
    shares = state.shares[state.experts]
    fall = shares[fullest][:, None, None] - shares
    worst = np.maximum(state.carried[fullest] - fall, state.carried[:, None] + fall)
    best = int(worst.argmin())
    if worst.flat[best] >= state.carried[fullest] * (1 - _LEAST_STEP):
        return False
    ours, other, theirs = (int(index) for index in np.unravel_index(best, worst.shape))
    first, second = state.experts[fullest].copy(), state.experts[other].copy()
    first[ours], second[theirs] = second[theirs], first[ours]
    state.deal(fullest, first)
    state.deal(other, second)
    return True


def share_anew(state: Ranks, fullest: int, other: int, random: np.random.Generator) -> bool:
    """Deal the replicas of two ranks as evenly as can be; return whether the fuller one fell."""
    ours, theirs = state.experts[fullest].copy(), state.experts[other].copy()
    size = len(ours)
    if size > MOST_DEALT:
        ours, theirs = random.permutation(ours), random.permutation(theirs)
    dealt = min(size, MOST_DEALT)
    first, second = state.shares[ours], state.shares[theirs]
    half = float(state.carried[fullest] + state.carried[other]) / 2
    kept, taken, weight = split(first[:dealt], second[:dealt], half - float(first[dealt:].sum()))
    load = weight + float(first[dealt:].sum())
    if max(load, 2 * half - load) >= state.carried[fullest] * (1 - _LEAST_STEP):
        return False
    state.deal(fullest, np.concatenate([ours[:dealt][kept], theirs[:dealt][taken], ours[dealt:]]))
    state.deal(other, np.concatenate([ours[:dealt][~kept], theirs[:dealt][~taken], theirs[dealt:]]))
    return True
