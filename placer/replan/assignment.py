"""Which expert rank holds which experts, as a boolean table, and what that makes of the loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.balance.weighted import weighted_loads
from placer.plan.replanning import Shares

Held = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """One layer that is to be dealt anew.

    Attributes
    ----------
    old : ndarray of bool, shape (ranks, experts)
        What every rank that is alive holds now; a new rank holds nothing.
    loads : ndarray, shape (experts,)
        Load of every expert, in any unit.
    slots
        Experts a rank has room for.
    is_single
        Whether every expert has one copy; else it may have one on every rank.
    shares
        How copies share the load of an expert.
    """

    old: Held
    loads: Floats
    slots: int
    is_single: bool = False
    shares: Shares = Shares.EVEN

    @property
    def num_ranks(self) -> int:
        """Ranks that are alive."""
        return len(self.old)

    @property
    def most_copies(self) -> int:
        """Copies an expert may have."""
        return 1 if self.is_single else self.num_ranks

    @property
    def is_weighted(self) -> bool:
        """Whether there is anything to split unevenly."""
        return self.shares is Shares.WEIGHTED and not self.is_single

    def copy_loads(self, held: Held) -> Floats:
        """Return the load of every copy, shape (ranks, experts)."""
        return weighted_loads(held, self.loads) if self.is_weighted else held * shares(held, self.loads)

    def max_load(self, held: Held) -> float:
        """Return the load of the fullest rank."""
        return float(self.copy_loads(held).sum(axis=1).max())


def shares(held: Held, loads: Floats) -> Floats:
    """Return the load of one copy of every expert that is shared evenly, zero without any; shape (experts,)."""
    copies = held.sum(axis=0)
    return np.asarray(np.divide(loads, copies, out=np.zeros(len(loads)), where=copies > 0))


def rank_loads(held: Held, loads: Floats) -> Floats:
    """Return the load of every rank where copies share evenly, shape (ranks,)."""
    return np.asarray(held @ shares(held, loads))


def num_moves(held: Held, old: Held) -> int:
    """Return how many copies lie on a rank that did not have them."""
    return int((held & ~old).sum())


def table_of(experts_by_rank: Sequence[Sequence[int]], num_experts: int) -> Held:
    """Return the table of lists of experts, shape (ranks, experts); an expert listed twice on a rank counts once.

    >>> table_of([[0, 2], [1]], 3).astype(int).tolist()
    [[1, 0, 1], [0, 1, 0]]
    """
    held = np.zeros((len(experts_by_rank), num_experts), dtype=np.bool_)
    for rank, experts in enumerate(experts_by_rank):
        held[rank, list(experts)] = True
    return held


def lists_of(held: Held) -> tuple[tuple[int, ...], ...]:
    """Return the experts of every rank, in order."""
    return tuple(tuple(np.flatnonzero(row).tolist()) for row in held)


def by_rank(physical_to_logical: Sequence[int], slots: int) -> tuple[tuple[int, ...], ...]:
    """Return the experts of every rank from those of every slot, rank after rank.

    >>> by_rank([0, 1, 1, 2], 2)
    ((0, 1), (1, 2))
    """
    starts = range(0, len(physical_to_logical), slots)
    return tuple(tuple(physical_to_logical[start : start + slots]) for start in starts)
