"""Experts to ranks: heaviest first, to the least loaded rank with a free slot."""

from __future__ import annotations

import heapq
from functools import lru_cache

import numpy as np

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


class PlacedLoads(ExpertLoads):
    """Loads of the busiest rank under `deal_experts`, where `ExpertLoads` knows what none can avoid."""

    def __init__(self, selection: Array) -> None:
        super().__init__(selection)
        self._deals = lru_cache(maxsize=10_000)(self._deal)

    def _deal(self, part: tuple[int, int], ep: int) -> tuple[tuple[int, ...], ...]:
        return deal_experts(self.selection[slice(*part)], ep)

    def _busiest(self, load: Array, part: tuple[int, int], ep: int) -> Array:
        ranks = [load[:, list(members)].sum(axis=1) for members in self._deals(part, ep)]
        return np.asarray(np.max(ranks, axis=0))

    def busiest_touched(self, part: tuple[int, int], ep: int, tokens: Array) -> Array:
        """Return the touched experts of the busiest rank, shape of ``tokens``."""
        return self._busiest(touched_probability(self.selection[slice(*part)], tokens), part, ep)

    def busiest_share(self, part: tuple[int, int], ep: int) -> float:
        """Return the tokens served by the busiest rank per token of the batch."""
        return float(self._busiest(self.selection[None, slice(*part)], part, ep)[0])
