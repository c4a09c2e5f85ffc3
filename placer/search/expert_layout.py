"""Experts to ranks, so that the fullest is as light as possible."""

from __future__ import annotations

import heapq
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from placer.balance.bound import load_bound
from placer.balance.eplb import pack_replicas, replicate
from placer.balance.even import even_out
from placer.balance.layer import improved
from placer.balance.state import Ranks
from placer.cost.expert_load import touched_probability
from placer.cost.group import Array
from placer.cost.loads import ExpertLoads
from placer.cost.shape import ExpertRanks

#: How near to the least possible load of the fullest rank a layout need come.
NEARLY = 1e-4
#: How long a layout is searched for, relative to `placer.balance`, which also proves how good it is.
SEARCH_WORK = 0.2
#: Pairs of ranks that share anew when a layout with copies is evened out.
MOST_PAIRS = 1_000


def deal_experts(weight: Array, num_ranks: int) -> tuple[tuple[int, ...], ...]:
    """Return the experts of every rank, no rank more than ``ceil(experts / ranks)``.

    Longest processing time first: optimal for equal weights, else within 4/3 of the fullest rank's optimum (Graham
    1969).

    Parameters
    ----------
    weight : ndarray, shape (num_experts,)
        Load of every expert.
    num_ranks
        Ranks they go to.

    Examples
    --------
    >>> deal_experts(np.array([3.0, 1.0, 1.0, 1.0]), 2)
    ((0, 3), (1, 2))
    """
    slots = -(-len(weight) // num_ranks)
    ranks: list[list[int]] = [[] for _ in range(num_ranks)]
    free = [(0.0, rank) for rank in range(num_ranks)]
    for expert in np.argsort(-weight, kind="stable").tolist():
        load, rank = heapq.heappop(free)
        ranks[rank].append(expert)
        if len(ranks[rank]) < slots:
            heapq.heappush(free, (load + float(weight[expert]), rank))
    return tuple(tuple(sorted(members)) for members in ranks)


def balanced_experts(weight: Array, num_ranks: int) -> tuple[tuple[int, ...], ...]:
    """Return the experts of every rank, as `deal_experts`, with a fullest rank no fuller than there.

    Parameters
    ----------
    weight : ndarray, shape (num_experts,)
        Load of every expert.
    num_ranks
        Ranks they go to.

    Examples
    --------
    >>> balanced_experts(np.array([3.0, 3.0, 2.0, 2.0, 2.0, 0.0]), 2)
    ((2, 3, 4), (0, 1, 5))
    """
    slots = -(-len(weight) // num_ranks)
    # Slots without an expert hold one that nobody asks for, so that none is copied.
    loads = np.concatenate([weight, np.zeros(slots * num_ranks - len(weight))])
    target = load_bound(loads, num_ranks, slots * num_ranks) * (1.0 + NEARLY)
    placed = improved(loads, num_ranks, slots * num_ranks, target, np.random.default_rng(0), SEARCH_WORK)
    members = tuple(
        tuple(sorted(expert for expert in rank if expert < len(weight))) for rank in placed.experts.tolist()
    )
    dealt = deal_experts(weight, num_ranks)
    return min(members, dealt, key=lambda deal: (_fullest(weight, deal), deal != dealt))


def _fullest(weight: Array, ranks: tuple[tuple[int, ...], ...]) -> float:
    return max(float(weight[list(members)].sum()) for members in ranks)


def copied_experts(weight: Array, num_ranks: int, slots: int) -> tuple[tuple[int, ...], ...]:
    """Return the experts of every rank where slots left may hold copies of experts heavier than the mean rank.

    The heaviest copy is split until none is heavier than the mean rank, or no slot is left; then as `balanced_experts`
    deals.

    Parameters
    ----------
    weight : ndarray, shape (num_experts,)
        Load of every expert; its copies share it.
    num_ranks, slots
        Ranks they go to, and slots of each.

    Examples
    --------
    >>> copied_experts(np.array([3.0, 1.0]), 2, 2)
    ((0, 1), (0,))
    """
    num_slots, mean = slots * num_ranks, float(weight.sum()) / num_ranks
    counts = replicate(weight, num_slots, least=mean)
    # Slots without an expert hold one that nobody asks for.
    empty = num_slots - int(counts.sum())
    loads, counts = np.concatenate([weight, np.zeros(empty)]), np.concatenate([counts, np.ones(empty, dtype=np.int64)])
    state = Ranks(loads, pack_replicas(loads, counts, num_ranks).reshape(num_ranks, slots))
    even_out(state, mean, np.random.default_rng(0), steps=MOST_PAIRS)
    return tuple(tuple(sorted({expert for expert in rank if expert < len(weight)})) for rank in state.experts.tolist())


def copies_of(ranks: tuple[tuple[int, ...], ...], num_experts: int) -> NDArray[np.int64]:
    """Return how many copies of every expert there are, shape (num_experts,)."""
    return np.bincount([expert for members in ranks for expert in members], minlength=num_experts)


class PlacedLoads(ExpertLoads):
    """Loads of the busiest rank of a layout, where `ExpertLoads` knows what none can avoid."""

    def __init__(self, selection: Array, *, has_copies: bool = False) -> None:
        super().__init__(selection, has_copies=has_copies)
        self._deals = lru_cache(maxsize=10_000)(self._deal)

    def deal(self, part: tuple[int, int], ranks: ExpertRanks) -> tuple[tuple[int, ...], ...]:
        """Return the experts of every rank, numbered from the part's hottest."""
        return self._deals(part, ranks)

    def _deal(self, part: tuple[int, int], ranks: ExpertRanks) -> tuple[tuple[int, ...], ...]:
        selection = self.selection[slice(*part)]
        if not self.room_for_copies(part, ranks):
            return balanced_experts(selection, ranks.count)
        return copied_experts(selection, ranks.count, ranks.slots(len(selection)))

    def _pairs(self, part: tuple[int, int], ranks: ExpertRanks, tokens: Array) -> list[tuple[Array, float]]:
        """Return the experts touched and the share of the tokens served on the busiest rank of the layout."""
        selection, deal = self.selection[slice(*part)], self.deal(part, ranks)
        share = selection / copies_of(deal, len(selection))
        touched = touched_probability(share, tokens)
        by_rank = [(touched[:, list(members)].sum(axis=1), float(share[list(members)].sum())) for members in deal]
        return [(np.max([rank[0] for rank in by_rank], axis=0), max(rank[1] for rank in by_rank))]
