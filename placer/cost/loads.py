"""What the busiest expert-parallel rank has to do, at least: bounds that hold for every layout of experts."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from placer.cost.expert_load import (
    any_touched,
    busiest_rank_bound,
    copied_rank_share,
    most_copies,
    touched_probability,
)
from placer.cost.group import Array
from placer.cost.shape import ExpertRanks

#: Experts touched and tokens served, each of shape (num_batches,).
Load = tuple[Array, Array]

#: Pairs of loads by which copies are traded for tokens served.
NUM_PAIRS = 5
#: Copies that are heavier by less are not.
ROUNDING = 1e-9


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array


class ExpertLoads:
    """Expected load of the busiest expert-parallel rank, at least; remembered.

    Experts are counted from the hottest; ``selection`` is sorted accordingly.

    Parameters
    ----------
    selection : ndarray, shape (num_experts,)
        Chance that a token selects each expert.
    has_copies
        Whether slots that are left may hold copies of experts.
    """

    def __init__(self, selection: Array, *, has_copies: bool = False) -> None:
        self.selection = -np.sort(-selection)
        self.selection.setflags(write=False)
        self.has_copies = has_copies
        self._loads = lru_cache(maxsize=50_000)(self._compute)
        self._touched = lru_cache(maxsize=64)(self._compute_touched)

    def busiest(self, part: tuple[int, int], ranks: ExpertRanks, tokens: Array) -> tuple[Load, ...]:
        """Return experts touched and tokens served on the busiest rank, at least.

        Where experts may have copies, several pairs: copies take tokens off the busiest rank, and are touched
        themselves. Every layout does at least what one of the pairs says.

        Parameters
        ----------
        part
            First and last-but-one expert of those the group holds.
        ranks
            Ranks they are spread over, and their spare slots.
        tokens : ndarray, shape (n,)
            Tokens of the microbatch.

        Returns
        -------
        tuple of pairs of ndarray, each of shape (n,)
        """
        return self._loads(part, ranks, np.asarray(tokens, dtype=np.float64).tobytes())

    def _compute(self, part: tuple[int, int], ranks: ExpertRanks, tokens_raw: bytes) -> tuple[Load, ...]:
        tokens = np.frombuffer(tokens_raw)
        some = any_touched(self.selection[slice(*part)], tokens)
        return tuple(
            (_frozen(np.maximum(touched, some)), _frozen(np.maximum(share * tokens, some)))
            for touched, share in self._pairs(part, ranks, tokens)
        )

    def _compute_touched(self, part: tuple[int, int], tokens_raw: bytes) -> Array:
        return _frozen(touched_probability(self.selection[slice(*part)], np.frombuffer(tokens_raw)))

    def _pairs(self, part: tuple[int, int], ranks: ExpertRanks, tokens: Array) -> list[tuple[Array, float]]:
        """Return experts touched and the share of the tokens served, as `busiest`."""
        selection = self.selection[slice(*part)]
        touched = self._touched(part, tokens.tobytes())
        unsplit = float(busiest_rank_bound(selection[None, :], ranks.count)[0])
        if not self.room_for_copies(part, ranks):
            return [(busiest_rank_bound(touched, ranks.count), unsplit)]
        lightest = selection / most_copies(selection, ranks.count)
        least = busiest_rank_bound(touched_probability(lightest, tokens), ranks.count)
        lowest = max(
            float(busiest_rank_bound(lightest[None, :], ranks.count)[0]),
            float(selection.sum()) / ranks.count,
            copied_rank_share(selection, ranks.count, self.room_for_copies(part, ranks)),
        )
        shares = np.geomspace(lowest, max(lowest, unsplit), NUM_PAIRS) if lowest else np.zeros(1)
        pairs = []
        for share, above in zip(shares, [*shares[1:], np.inf], strict=True):
            # A rank that serves less than ``above`` holds copies at most as heavy.
            copies = np.maximum(1.0, np.ceil(selection / above * (1.0 - ROUNDING)))
            mean = (touched_probability(selection / copies, tokens) * copies).sum(axis=1) / ranks.count
            pairs.append((np.maximum(mean, least), float(share)))
        return pairs

    def room_for_copies(self, part: tuple[int, int], ranks: ExpertRanks) -> int:
        """Return how many copies, beyond the first of every expert, the slots have room for."""
        num_experts = part[1] - part[0]
        return ranks.count * ranks.slots(num_experts) - num_experts if self.has_copies else 0

    @property
    def is_even(self) -> bool:
        """Whether all experts are equally popular, so that the bounds are exact."""
        return bool(self.selection.max() - self.selection.min() < 1e-12)

    def selected(self, part: tuple[int, int]) -> float:
        """Return how many of a token's experts lie in a part, on average."""
        return float(self.selection[slice(*part)].sum())


class LayeredLoads(ExpertLoads):
    """Loads that no layer of a class falls below, where every layer has a routing of its own.

    Parameters
    ----------
    selections : ndarray, shape (num_layers, num_experts)
        Chance that a token selects each expert, by layer.
    has_copies
        As for `ExpertLoads`.
    """

    def __init__(self, selections: Array, *, has_copies: bool = False) -> None:
        super().__init__(selections.mean(axis=0), has_copies=has_copies)
        ranked = np.unique(-np.sort(-selections, axis=1), axis=0)
        self._layers = [ExpertLoads(selection, has_copies=has_copies) for selection in ranked]

    def _compute(self, part: tuple[int, int], ranks: ExpertRanks, tokens_raw: bytes) -> tuple[Load, ...]:
        tokens = np.frombuffer(tokens_raw)
        pairs = [pair for loads in self._layers for pair in loads.busiest(part, ranks, tokens)]
        touched, served = zip(*pairs, strict=True)
        return ((_frozen(np.minimum.reduce(touched)), _frozen(np.minimum.reduce(served))),)

    @property
    def is_even(self) -> bool:
        """Whether all experts of all layers are equally popular."""
        return all(loads.is_even for loads in self._layers)

    def selected(self, part: tuple[int, int]) -> float:
        """Return how many of a token's experts lie in a part, on average, in the layer with the fewest."""
        return min(loads.selected(part) for loads in self._layers)
