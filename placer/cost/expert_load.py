"""What a batch does to experts: how many are touched, and how unevenly (physics B1, B3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Halvings after which a bisected share is known to the last digit that matters.
_HALVINGS = 50
#: Loads that are multiples of the mean but for this much count as multiples.
_ROUNDING = 1e-9


def touched_probability(selection: Array, tokens: Array) -> Array:
    """Return the chance that a batch touches each expert: ``1 - (1 - p)^b`` (physics B1).

    Parameters
    ----------
    selection : ndarray, shape (num_experts,)
        Chance that one token selects the expert.
    tokens : ndarray, shape (num_batches,)
        Tokens in the batch.

    Returns
    -------
    ndarray, shape (num_batches, num_experts)
    """
    return 1.0 - np.power(1.0 - selection[None, :], tokens[:, None])


def any_touched(selection: Array, tokens: Array) -> Array:
    """Return the chance that a batch touches any of some experts, shape (num_batches,)."""
    return 1.0 - np.power(np.prod(1.0 - selection), tokens)


def busiest_rank_bound(load: Array, num_ranks: int) -> Array:
    """Return a lower bound on the load of the busiest rank, over every placement without replicas.

    The mean over ranks, and pigeonholes: of the ``j n + 1`` heaviest experts some rank holds ``j + 1``, at least
    the lightest ``j + 1`` of them. With equal loads this is exact: ``ceil(experts / ranks)`` times one load.

    Parameters
    ----------
    load : ndarray, shape (num_batches, num_experts)
        Load of each expert.
    num_ranks
        Ranks ``n`` the experts are spread over.

    Returns
    -------
    ndarray, shape (num_batches,)
    """
    heaviest = -np.sort(-load, axis=1)
    bound = heaviest.sum(axis=1) / num_ranks
    running = np.concatenate([np.zeros((len(load), 1)), np.cumsum(heaviest, axis=1)], axis=1)
    for extra in range(-(-load.shape[1] // num_ranks)):
        last = extra * num_ranks + 1
        bound = np.maximum(bound, running[:, last] - running[:, last - 1 - extra])
    return np.asarray(bound)


def copied_rank_share(share: Array, num_ranks: int, num_copies: int) -> float:
    """Return a lower bound on the load of the busiest rank, over every placement with at most so many copies.

    Copies of an expert lie on different ranks and serve equal parts of its load. The heaviest single copy is lightest
    where copies go to whatever is heaviest; some rank holds it.

    Parameters
    ----------
    share : ndarray, shape (num_experts,)
        Load of each expert.
    num_ranks
        Ranks, and so the most copies of an expert.
    num_copies
        Copies beyond the first of every expert.

    Examples
    --------
    >>> round(copied_rank_share(np.array([4.0, 1.0, 1.0]), 4, 2), 6)
    1.333333
    """
    high = float(share.max(initial=0.0))
    if high == 0.0:
        return 0.0
    low = high / num_ranks * (1.0 - 1e-12)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if (np.ceil(share / middle) - (share > 0)).sum() <= num_copies:
            high = middle
        else:
            low = middle
    return low


def most_copies(share: Array, num_ranks: int) -> NDArray[np.int64]:
    """Return how many copies each expert may have: as many as make each no heavier than the mean rank.

    >>> most_copies(np.array([4.0, 2.0, 1.0, 1.0]), 4).tolist()
    [2, 1, 1, 1]
    """
    total = float(share.sum())
    if not total:
        return np.ones(len(share), dtype=np.int64)
    ranks_full = share * (num_ranks / total)
    return np.clip(np.ceil(ranks_full - _ROUNDING), 1, num_ranks).astype(np.int64)


def copies_per_token(num_selected: float, num_experts: int, num_ranks: int) -> float:
    """Return on how many ranks the experts of one token lie, on average.

    Each of a rank's ``E/n`` experts is taken with chance ``k/E``; the rank is visited if any is:
    ``n (1 - (1 - k/E)^(E/n))`` (the independent form of physics B2's P_send), ``n`` being at most ``E``.

    >>> copies_per_token(8, 256, 256)
    8.0
    """
    num_ranks = min(num_ranks, num_experts)
    visited: float = 1.0 - (1.0 - num_selected / num_experts) ** (num_experts / num_ranks)
    return num_ranks * visited
