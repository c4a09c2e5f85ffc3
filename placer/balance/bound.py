"""What no placement can beat: bounds on the load of the fullest rank, whatever the replica counts.

A target ``L`` is ruled out by counting. If no rank carries more than ``L``, then

1. an expert of load ``l`` has at least ``ceil(l / L)`` replicas; together no more than the slots. What is left over are
   the *extras* that may go to any expert.
2. Every replica shares its rank with ``slots per rank - 1`` others, which weigh at least ``c``, the least that so many
   replicas can weigh with that many extras (`least_weight`). So no replica weighs more than ``L - c``, and (1) holds
   with ``L - c``: fewer extras, hence a larger ``c``, and so on until nothing moves.

The bound is the largest target that bisection rules out, or the mean load where that is larger. Without extras at all,
every replica is an expert, and more is known: the ``k`` heaviest lie on some ``m`` ranks, at most ``k``, together with
at least the ``m * slots per rank - k`` lightest; their mean is a bound, the least over ``m``, for every ``k``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Loads = NDArray[np.float64]

_TOLERANCE = 1e-12
_BISECTIONS = 50
_MOST_COMPANIONS = 12
_MOST_EXTRAS = 24


def load_bound(loads: Loads, ranks: int, slots: int) -> float:
    """Return a load that the fullest rank of every placement reaches.

    Parameters
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    ranks, slots
        Ranks, and slots on all of them.

    Examples
    --------
    Nothing to spare: the heaviest expert and the lightest meet at best.

    >>> round(load_bound(np.array([8.0, 3.0, 2.0, 1.0]), 2, 4), 6)
    9.0
    """
    mean = float(loads.sum()) / ranks
    if slots == len(loads):
        mean = max(mean, _bound_of_heaviest(loads, ranks))
    low, high = mean, float(loads.sum())
    if not _is_ruled_out(loads, ranks, slots, mean * (1 - _TOLERANCE)):
        return mean
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _is_ruled_out(loads, ranks, slots, middle):
            low = middle
        else:
            high = middle
    return max(mean, low)


def _bound_of_heaviest(loads: Loads, ranks: int) -> float:
    """Return the bound of the k heaviest experts, for the best k, where every slot has its own expert."""
    room = len(loads) // ranks
    rising = np.concatenate([[0.0], np.cumsum(np.sort(loads))])
    falling = np.concatenate([[0.0], np.cumsum(np.sort(loads)[::-1])])
    # Two slots a rank: heaviest with lightest, and so on inwards, is optimal.
    best = float((np.sort(loads) + np.sort(loads)[::-1]).max()) if room == 2 else 0.0
    for number in range(1, len(loads) + 1):
        used = np.arange(-(-number // room), min(number, ranks) + 1)
        means = (falling[number] + rising[used * room - number]) / used
        best = max(best, float(means.min()))
    return best


def _is_ruled_out(loads: Loads, ranks: int, slots: int, target: float) -> bool:
    """Return whether counting shows that some rank carries more than the target."""
    if target <= 0:
        return bool(loads.any())
    return forced_counts(loads, ranks, slots, target) is None


def forced_counts(loads: Loads, ranks: int, slots: int, target: float) -> NDArray[np.int64] | None:
    """Return how many replicas every expert has at least if no rank carries more than the target, shape (experts,).

    None where that is more than there are slots for: the target is ruled out.
    """
    rising = np.sort(loads)
    companions = slots // ranks - 1
    ceiling, extras = target, slots
    forced = np.zeros(len(loads), dtype=np.int64)
    while ceiling > 0:
        counts = np.maximum(np.ceil(loads / ceiling - _TOLERANCE), 1).astype(np.int64)
        left = slots - int(counts.sum())
        if left < 0:
            return None
        if left >= extras:
            return forced
        forced, extras = counts, left
        singles = int((counts == 1).sum())
        split = ceiling if singles < len(loads) else np.inf
        ceiling = target - least_weight(rising[:singles], companions, extras, split)
    return None


def least_weight(singles: Loads, wanted: int, extras: int, split: float = np.inf) -> float:
    """Return what so many replicas weigh at least, with so many extra replicas to place.

    Parameters
    ----------
    singles : ndarray, shape (singles,)
        Loads of the experts that may have one replica only, rising.
    wanted
        Replicas to weigh.
    extras
        Replicas to place beyond what every expert has at least.
    split
        A load no larger than that of any expert that must have several replicas, where none of the least number weighs
        more than this; inf where there is none. With ``m >= 2`` replicas at least and ``x`` extras, each weighs more
        than ``split * (m - 1) / (m + x)``, so at least ``split / (2 + x)``.

    Examples
    --------
    With one extra, both halves of the lighter one; without, one of each.

    >>> loads = np.array([2.0, 9.0])
    >>> least_weight(loads, 2, 0), least_weight(loads, 2, 1)
    (11.0, 2.0)
    """
    halved = split / (2 + extras)
    # An expert with r replicas uses r - 1 extras, so at most 2 * extras replicas have a twin; the others are whole.
    whole = max(wanted - 2 * extras, 0)
    lone = np.minimum(singles[:whole], halved)
    missing = whole - len(lone)
    alone = float(lone.sum()) + (missing * halved if missing and np.isfinite(halved) else 0.0)
    if not extras or not wanted:
        return alone
    few = min(wanted, _MOST_COMPANIONS)
    if extras > _MOST_EXTRAS:
        lightest = float(singles[0]) / (extras + 1) if len(singles) else np.inf
        return max(alone, few * min(lightest, halved))
    return max(alone, _least_weight_of_few(singles[:few], few, extras, split))


def _least_weight_of_few(singles: Loads, wanted: int, extras: int, split: float) -> float:
    """Return the same by dynamic programming over experts, replicas wanted so far and extras used."""
    best = np.full((wanted + 1, extras + 1), np.inf)
    best[0] = 0.0
    for load in singles.tolist():
        updated = best.copy()
        for copies in range(1, min(wanted, extras + 1) + 1):
            for replicas in range(copies, extras + 2):
                used = replicas - 1
                moved = best[: wanted + 1 - copies, : extras + 1 - used] + copies * load / replicas
                np.minimum(updated[copies:, used:], moved, out=updated[copies:, used:])
        best = updated
    if np.isfinite(split):
        updated = best.copy()
        for copies in range(1, wanted + 1):
            for used in range(extras + 1):
                moved = best[: wanted + 1 - copies, : extras + 1 - used] + copies * split / (2 + used)
                np.minimum(updated[copies:, used:], moved, out=updated[copies:, used:])
        best = updated
    least = float(best[wanted].min())
    return least if np.isfinite(least) else 0.0
