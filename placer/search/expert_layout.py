"""Experts to ranks, so that the fullest is as light as possible."""

from __future__ import annotations

import heapq
from functools import lru_cache

import numpy as np

from placer.balance.bound import load_bound
from placer.balance.layer import improved
from placer.cost.expert_load import any_touched, touched_probability
from placer.cost.group import Array, ExpertLoads

#: A fullest rank that has no more than this over the bound is as good as balanced.
NEARLY = 1.0003
#: Share of the work `placer.balance` puts into a layer: a search makes thousands of layouts.
WORK = 0.2
#: Layouts by touched experts are made for this many batches from one power of two to the next.
BATCHES_PER_OCTAVE = 8

Ranks = tuple[tuple[int, ...], ...]
Load = tuple[Array, Array]


def deal_experts(weight: Array, num_ranks: int) -> Ranks:
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


def balanced_experts(weight: Array, num_ranks: int) -> Ranks:
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
    dealt, slots = deal_experts(weight, num_ranks), -(-len(weight) // num_ranks)
    # Slots without an expert hold one that nobody asks for, so that none is copied.
    loads = np.concatenate([weight, np.zeros(slots * num_ranks - len(weight))])
    enough = load_bound(loads, num_ranks, len(loads)) * NEARLY
    if _fullest(weight, dealt) <= enough:
        return dealt
    found = improved(loads, num_ranks, len(loads), enough, np.random.default_rng(0), WORK)
    members = tuple(tuple(sorted(expert for expert in rank if expert < len(weight))) for rank in found.experts.tolist())
    return min(members, dealt, key=lambda deal: (_fullest(weight, deal), deal != dealt))


def _fullest(weight: Array, ranks: Ranks) -> float:
    return max(float(weight[list(members)].sum()) for members in ranks)


class PlacedLoads(ExpertLoads):
    """Loads of the busiest rank in a layout, where `ExpertLoads` knows what none can avoid.

    There are two layouts to choose from: one balances the tokens ranks serve, the other the experts they touch, which
    is what counts where reading weights takes longest. The second one is made for about as many tokens, so that it
    serves many batches.
    """

    def __init__(self, selection: Array) -> None:
        super().__init__(selection)
        self._deals = lru_cache(maxsize=10_000)(self._deal)

    def layouts(self, part: tuple[int, int], ep: int, tokens: float) -> tuple[Ranks, ...]:
        """Return the layouts to choose from, experts numbered from the part's hottest; one where it does for both."""
        by_share, size = self._deals(part, ep, None), np.array([tokens])
        bound = super().busiest_touched(part, ep, size)[0]
        if self._fullest_touched(by_share, part, size)[0] <= bound * NEARLY:
            return (by_share,)
        return by_share, self._deals(part, ep, round(np.log2(tokens) * BATCHES_PER_OCTAVE))

    def options(self, part: tuple[int, int], ep: int, tokens: Array) -> tuple[Load, ...]:
        """Return loads of the busiest rank, one for each of `layouts`."""
        by_share = self.busiest(part, ep, tokens)
        chosen = [self.layouts(part, ep, float(size))[-1] for size in tokens]
        if all(ranks == self._deals(part, ep, None) for ranks in chosen):
            return (by_share,)
        loads = [self.load_of(ranks, part, tokens[at : at + 1]) for at, ranks in enumerate(chosen)]
        touched, served = (np.concatenate(column) for column in zip(*loads, strict=True))
        return by_share, (touched, served)

    def load_of(self, ranks: Ranks, part: tuple[int, int], tokens: Array) -> Load:
        """Return experts touched and tokens served on the busiest rank of a layout, each of the shape of ``tokens``."""
        some = any_touched(self.selection[slice(*part)], tokens)
        served = _most(self.selection[None, slice(*part)], ranks) * tokens
        return np.maximum(self._fullest_touched(ranks, part, tokens), some), np.maximum(served, some)

    def _deal(self, part: tuple[int, int], ep: int, step: int | None) -> Ranks:
        weight = self.selection[slice(*part)]
        if step is not None:
            weight = touched_probability(weight, np.array([2.0 ** (step / BATCHES_PER_OCTAVE)]))[0]
        return balanced_experts(weight, ep)

    def _fullest_touched(self, ranks: Ranks, part: tuple[int, int], tokens: Array) -> Array:
        return _most(touched_probability(self.selection[slice(*part)], tokens), ranks)

    def busiest_touched(self, part: tuple[int, int], ep: int, tokens: Array) -> Array:
        """Return the touched experts of the busiest rank of the layout by share, shape of ``tokens``."""
        return self._fullest_touched(self._deals(part, ep, None), part, tokens)

    def busiest_share(self, part: tuple[int, int], ep: int) -> float:
        """Return the tokens served by the busiest rank of the layout by share, per token of the batch."""
        return float(_most(self.selection[None, slice(*part)], self._deals(part, ep, None))[0])


def _most(load: Array, ranks: Ranks) -> Array:
    """Return the load of the fullest rank, shape (n,), of loads of shape (n, num_experts)."""
    return np.asarray(np.max([load[:, list(members)].sum(axis=1) for members in ranks], axis=0))
