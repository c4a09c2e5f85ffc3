"""Expert loads under a placement: on average, as the plan has them, or drawn for every microbatch and layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placer.cost.block_time import experts_s
from placer.cost.expert_load import any_touched, touched_probability
from placer.cost.group import Array, Batch, Group
from placer.cost.loads import ExpertLoads, Load
from placer.cost.shape import ExpertRanks
from placer.graph.ffns.moe import MoeOps


class GivenLoads(ExpertLoads):
    """Loads that are known: experts touched and tokens served, in arrays of any equal length."""

    def __init__(self, selection: Array, touched: Array, served: Array) -> None:
        super().__init__(selection)
        self._given = touched, served

    def busiest(self, part: tuple[int, int], ranks: ExpertRanks, tokens: Array) -> tuple[Load, ...]:
        """Return the loads given; the arguments of `ExpertLoads.busiest` are of no matter."""
        del part, ranks, tokens
        return (self._given,)


@dataclass(frozen=True)
class ExpertPart:
    """The routed experts of one layer that lie on one group.

    Attributes
    ----------
    moe, group, batch
        What is computed, where, for whom.
    selection
        Chance that a token selects each expert of the part.
    shares
        Chance that a token goes to each slot of the part, rank after rank: copies of an expert share its tokens.
    ranks
        How many slots every expert rank has filled.
    """

    moe: MoeOps
    group: Group
    batch: Batch
    selection: Array
    shares: Array
    ranks: tuple[int, ...]

    @property
    def whole(self) -> tuple[int, int]:
        """The part as a range of its own experts."""
        return 0, len(self.selection)

    def mean_loads(self) -> ExpertLoads:
        """Return the expected load of the busiest rank (``docs/method.md``, section 3, "Experts")."""
        tokens = self.batch.tokens
        some = any_touched(self.selection, tokens)
        touched = self._by_rank(touched_probability(self.shares, tokens)).max(axis=1)
        served = self._by_rank(self.shares[None, :]).max(axis=1) * tokens
        return GivenLoads(self.selection, np.maximum(touched, some), np.maximum(served, some))

    def _by_rank(self, load: Array) -> Array:
        """Return the load of every rank, shape (num_batches, num_ranks)."""
        running = np.concatenate([np.zeros((len(load), 1)), np.cumsum(load, axis=1)], axis=1)
        ends = np.cumsum((0, *self.ranks))
        return np.asarray(running[:, ends[1:]] - running[:, ends[:-1]])

    def mean_s(self) -> float:
        """Return the time at the expected load."""
        return float(experts_s(self.group, self.moe, self.mean_loads(), self.whole, self.batch)[0])

    def drawn_s(self, random: np.random.Generator, count: int) -> Array:
        """Return the times of ``count`` draws: every token picks its experts, the slowest rank decides.

        Each slot is picked by a binomial number of the microbatch's tokens, with the chances of the profile.
        """
        picks = random.binomial(int(self.batch.tokens[0]), self.shares, size=(count, len(self.shares)))
        touched = self._by_rank((picks > 0).astype(np.float64))
        served = self._by_rank(picks.astype(np.float64))
        loads = GivenLoads(self.selection, touched.ravel(), served.ravel())
        times = experts_s(self.group, self.moe, loads, self.whole, self.batch)
        return np.asarray(times.reshape(touched.shape).max(axis=1))


def part_of(
    moe: MoeOps, where: tuple[Group, Batch], chances: Array, experts_by_rank: Sequence[Sequence[int]]
) -> ExpertPart:
    """Return a part from the chances of all experts of its layer and the experts of every rank."""
    slots = np.array([expert for rank in experts_by_rank for expert in rank])
    experts, place, copies = np.unique(slots, return_inverse=True, return_counts=True)
    shares = chances[slots] / copies[place]
    return ExpertPart(moe, *where, chances[experts], shares, tuple(len(rank) for rank in experts_by_rank))
