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
from placer.balance.state import Ranks as State
from placer.cost.block_time import loaded_experts_s
from placer.cost.expert_load import any_touched, touched_probability
from placer.cost.group import Array, Group
from placer.cost.loads import ExpertLoads, Load
from placer.cost.shape import ExpertRanks
from placer.graph.ffns.moe import MoeOps

#: A fullest rank that has no more than this over the bound is as good as balanced.
NEARLY = 1.0003
#: Share of the work `placer.balance` puts into a layer: a search makes thousands of layouts.
WORK = 0.2
#: Pairs of ranks that share anew when a layout with copies is evened out.
MOST_PAIRS = 1_000
#: Layouts by touched experts are made for this many batches from one power of two to the next.
BATCHES_PER_OCTAVE = 8

Ranks = tuple[tuple[int, ...], ...]


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


def copied_experts(weight: Array, num_ranks: int, slots: int) -> Ranks:
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
    if not mean:
        return balanced_experts(weight, num_ranks)
    counts = replicate(weight, num_slots, least=mean)
    # Slots without an expert hold one that nobody asks for.
    empty = num_slots - int(counts.sum())
    loads, counts = np.concatenate([weight, np.zeros(empty)]), np.concatenate([counts, np.ones(empty, dtype=np.int64)])
    state = State(loads, pack_replicas(loads, counts, num_ranks).reshape(num_ranks, slots))
    even_out(state, mean, np.random.default_rng(0), steps=MOST_PAIRS)
    return tuple(tuple(sorted({expert for expert in rank if expert < len(weight)})) for rank in state.experts.tolist())


def copies_of(ranks: Ranks, num_experts: int) -> NDArray[np.int64]:
    """Return how many copies of every expert there are, shape (num_experts,)."""
    return np.bincount([expert for members in ranks for expert in members], minlength=num_experts)


class PlacedLoads(ExpertLoads):
    """Loads of the busiest rank in a layout, where `ExpertLoads` knows what none can avoid.

    There are two layouts to choose from: one balances the tokens ranks serve, with copies where there is room for them;
    the other the experts they touch, which is what counts where reading weights takes longest. The second one is made
    for about as many tokens, so that it serves many batches.
    """

    def __init__(self, selection: Array, *, has_copies: bool = False) -> None:
        super().__init__(selection, has_copies=has_copies)
        self._deals = lru_cache(maxsize=10_000)(self._deal)

    def layouts(self, part: tuple[int, int], ranks: ExpertRanks, tokens: float) -> tuple[Ranks, ...]:
        """Return the layouts to choose from, experts numbered from the part's hottest; one where it does for both."""
        by_share, size = self._deals(part, ranks, None), np.array([tokens])
        bound = min(float(touched[0]) for touched, _ in self._pairs(part, ranks, size))
        if self.load_of(by_share, part, size)[0][0] <= bound * NEARLY:
            return (by_share,)
        return by_share, self._deals(part, ranks, round(np.log2(tokens) * BATCHES_PER_OCTAVE))

    def load_of(self, layout: Ranks, part: tuple[int, int], tokens: Array) -> Load:
        """Return experts touched and tokens served on the busiest rank of a layout, each of the shape of ``tokens``."""
        selection = self.selection[slice(*part)]
        some, share = any_touched(selection, tokens), selection / copies_of(layout, len(selection))
        touched, served = _most(touched_probability(share, tokens), layout), _most(share[None, :], layout) * tokens
        return np.maximum(touched, some), np.maximum(served, some)

    def _compute(self, part: tuple[int, int], ranks: ExpertRanks, tokens_raw: bytes) -> tuple[Load, ...]:
        """Return loads of the busiest rank, one pair for each of `layouts`."""
        tokens = np.frombuffer(tokens_raw)
        chosen = [self.layouts(part, ranks, float(size)) for size in tokens]
        loads = [self.load_of(self._deals(part, ranks, None), part, tokens)]
        if any(len(layouts) > 1 for layouts in chosen):
            each = [self.load_of(layouts[-1], part, tokens[at : at + 1]) for at, layouts in enumerate(chosen)]
            touched, served = (np.concatenate(column) for column in zip(*each, strict=True))
            loads.append((touched, served))
        for array in (array for load in loads for array in load):
            array.setflags(write=False)
        return tuple(loads)

    def _deal(self, part: tuple[int, int], ranks: ExpertRanks, step: int | None) -> Ranks:
        selection = self.selection[slice(*part)]
        if step is not None:
            batch = np.array([2.0 ** (step / BATCHES_PER_OCTAVE)])
            return balanced_experts(touched_probability(selection, batch)[0], ranks.count)
        if self.room_for_copies(part, ranks):
            return copied_experts(selection, ranks.count, ranks.slots(len(selection)))
        return balanced_experts(selection, ranks.count)


def fastest_layout(loads: PlacedLoads, part: tuple[int, int], where: tuple[Group, MoeOps], tokens: float) -> Ranks:
    """Return the layout, of those there are to choose from, whose experts take the shortest time.

    Parameters
    ----------
    loads, part
        Experts, and which of them the group holds.
    where
        The group, and the ops of the layer.
    tokens
        Tokens of the microbatch.
    """
    (group, moe), size = where, np.array([tokens])
    ranks = group.shape.expert_ranks
    slots = ranks.slots(part[1] - part[0])

    def seconds(layout: Ranks) -> float:
        return float(loaded_experts_s(group, moe, loads.load_of(layout, part, size), slots)[0])

    return min(loads.layouts(part, ranks, tokens), key=seconds)


def _most(load: Array, ranks: Ranks) -> Array:
    """Return the load of the fullest rank, shape (n,), of loads of shape (n, num_experts)."""
    return np.asarray(np.max([load[:, list(members)].sum(axis=1) for members in ranks], axis=0))
