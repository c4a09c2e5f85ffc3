"""A placement while it is being improved: the one object that changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Loads = NDArray[np.float64]
Slots = NDArray[np.int64]


class Ranks:
    """Experts on the slots of ranks, with the loads that follow.

    Attributes
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    experts : ndarray, shape (ranks, slots per rank)
        Expert of every slot.
    counts : ndarray, shape (experts,)
        Replicas of every expert.
    shares : ndarray, shape (experts,)
        Load of a replica.
    carried : ndarray, shape (ranks,)
        Load of every rank.
    """

    def __init__(self, loads: Loads, experts: Slots) -> None:
        self.loads = loads
        self.experts = experts.copy()
        self.counts = np.bincount(experts.ravel(), minlength=len(loads))
        self.shares = loads / np.maximum(self.counts, 1)
        self.carried = np.asarray(self.shares[self.experts].sum(axis=1))

    def copy(self) -> Ranks:
        """Return a placement that changes by itself."""
        return Ranks(self.loads, self.experts)

    @property
    def max_load(self) -> float:
        """Load of the fullest rank."""
        return float(self.carried.max())

    def deal(self, rank: int, members: Slots) -> None:
        """Give a rank these replicas; the caller keeps the counts."""
        self.experts[rank] = members
        self.carried[rank] = self.shares[members].sum()

    def replace(self, rank: int, slot: int, expert: int) -> None:
        """Turn a slot into a replica of another expert; every rank with a replica of either changes."""
        self.counts[self.experts[rank, slot]] -= 1
        self.counts[expert] += 1
        self.experts[rank, slot] = expert
        self.shares = self.loads / self.counts
        self.carried = np.asarray(self.shares[self.experts].sum(axis=1))
