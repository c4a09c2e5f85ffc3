"""Experts to ranks, so that the fullest is as light as possible."""

from __future__ import annotations

import heapq
from functools import lru_cache

import numpy as np

from placer.balance.layer import balance_layer
from placer.cost.expert_load import touched_probability
from placer.cost.group import Array, ExpertLoads


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
    placed = balance_layer(loads, num_ranks, slots * num_ranks)
    ranks = np.array(placed.physical_to_logical).reshape(num_ranks, slots).tolist()
    members = tuple(tuple(sorted(expert for expert in rank if expert < len(weight))) for rank in ranks)
    dealt = deal_experts(weight, num_ranks)
    return min(members, dealt, key=lambda deal: (_fullest(weight, deal), deal != dealt))


def _fullest(weight: Array, ranks: tuple[tuple[int, ...], ...]) -> float:
    return max(float(weight[list(members)].sum()) for members in ranks)


class PlacedLoads(ExpertLoads):
    """Loads of the busiest rank under `balanced_experts`, where `ExpertLoads` knows what none can avoid."""

    def __init__(self, selection: Array) -> None:
        super().__init__(selection)
        self._deals = lru_cache(maxsize=10_000)(self._deal)

    def deal(self, part: tuple[int, int], ep: int) -> tuple[tuple[int, ...], ...]:
        """Return the experts of every rank, numbered from the part's hottest."""
        return self._deals(part, ep)

    def _deal(self, part: tuple[int, int], ep: int) -> tuple[tuple[int, ...], ...]:
        return balanced_experts(self.selection[slice(*part)], ep)

    def _busiest(self, load: Array, part: tuple[int, int], ep: int) -> Array:
        ranks = [load[:, list(members)].sum(axis=1) for members in self._deals(part, ep)]
        return np.asarray(np.max(ranks, axis=0))

    def busiest_touched(self, part: tuple[int, int], ep: int, tokens: Array) -> Array:
        """Return the touched experts of the busiest rank, shape of ``tokens``."""
        return self._busiest(touched_probability(self.selection[slice(*part)], tokens), part, ep)

    def busiest_share(self, part: tuple[int, int], ep: int) -> float:
        """Return the tokens served by the busiest rank per token of the batch."""
        return float(self._busiest(self.selection[None, slice(*part)], part, ep)[0])
