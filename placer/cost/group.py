"""A group of devices and a batch, ready to be costed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet
from placer.catalog.link import Link
from placer.cost.collective import Beyond
from placer.cost.expert_load import any_touched, busiest_rank_bound, touched_probability
from placer.cost.shape import GroupShape
from placer.errors import InternalError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """A shape together with the device and links it is built from."""

    shape: GroupShape
    device: Device
    domain: int
    scale_up: Link | None
    scale_out: Link | None

    @property
    def link(self) -> Link:
        """The link of tensor-parallel collectives.

        Raises
        ------
        InternalError
            If the pool has none; a pool of more than one device always does.
        """
        if self.scale_up is None:
            raise InternalError(f"pool {self.shape.pool} has no link")
        return self.scale_up

    @property
    def far(self) -> Beyond | None:
        """What lies beyond a scale-up domain, or None where there is nothing."""
        return None if self.scale_out is None else Beyond(self.domain, self.scale_out)

    @property
    def stage_link(self) -> Link:
        """The link between stages: scale-up where the whole group fits a domain, else scale-out."""
        if self.shape.num_devices <= self.domain or self.scale_out is None:
            return self.link
        return self.scale_out


def build_group(fleet: Fleet, shape: GroupShape) -> Group:
    """Return a shape with its device and links looked up."""
    scale_up, scale_out = fleet.inner_links(shape.pool)
    return Group(shape, fleet.device_of(shape.pool), fleet.pool(shape.pool).domain, scale_up, scale_out)


@dataclass(frozen=True)
class Batch:
    """One microbatch as a group sees it; arrays of equal length, one entry per batch size.

    Attributes
    ----------
    tokens
        Tokens of the microbatch, over the whole replica.
    rank_tokens
        Tokens of the fullest data-parallel rank.
    device_tokens
        Tokens the busiest device sends into an all-to-all: its tensor-parallel share of the rank's.
    """

    tokens: Array
    rank_tokens: Array
    device_tokens: Array


def exact_batch(tokens: Array, shape: GroupShape) -> Batch:
    """Return the batch as it is dealt: whole tokens, the fullest rank counts."""
    rank_tokens = np.ceil(tokens / shape.dp)
    return Batch(tokens, rank_tokens, rank_tokens / shape.tp)


def relaxed_batch(tokens: Array, shape: GroupShape) -> Batch:
    """Return the batch dealt evenly in fractions: never more than `exact_batch`, and at least one token.

    Any time built on it, divided by ``tokens``, does not rise with ``tokens``; bounds rest on that.
    """
    rank_tokens = np.maximum(1.0, tokens / shape.dp)
    return Batch(tokens, rank_tokens, rank_tokens / shape.tp)


class ExpertLoads:
    """Expected load of the busiest expert-parallel rank, remembered.

    Experts are counted from the hottest; ``selection`` is sorted accordingly.
    """

    def __init__(self, selection: Array) -> None:
        self.selection = -np.sort(-selection)
        self.selection.setflags(write=False)
        self._bound = lru_cache(maxsize=50_000)(self._compute)

    def busiest(self, part: tuple[int, int], ep: int, tokens: Array) -> tuple[Array, Array]:
        """Return experts touched and tokens served on the busiest rank, at least.

        Parameters
        ----------
        part
            First and last-but-one expert of those the group holds.
        ep
            Ranks they are spread over.
        tokens : ndarray, shape (n,)
            Tokens of the microbatch.

        Returns
        -------
        tuple of ndarray, each of shape (n,)
        """
        return self._bound(part, ep, np.asarray(tokens, dtype=np.float64).tobytes())

    def options(self, part: tuple[int, int], ep: int, tokens: Array) -> tuple[tuple[Array, Array], ...]:
        """Return loads as `busiest` does, one for every layout there is to choose from."""
        return (self.busiest(part, ep, tokens),)

    def _compute(self, part: tuple[int, int], ep: int, tokens_raw: bytes) -> tuple[Array, Array]:
        tokens = np.frombuffer(tokens_raw)
        some = any_touched(self.selection[slice(*part)], tokens)
        touched = np.maximum(self.busiest_touched(part, ep, tokens), some)
        served = np.maximum(self.busiest_share(part, ep) * tokens, some)
        for array in (touched, served):
            array.setflags(write=False)
        return touched, served

    def busiest_touched(self, part: tuple[int, int], ep: int, tokens: Array) -> Array:
        """Return a lower bound on the touched experts of the busiest rank, whatever the placement."""
        return busiest_rank_bound(touched_probability(self.selection[slice(*part)], tokens), ep)

    def busiest_share(self, part: tuple[int, int], ep: int) -> float:
        """Return a lower bound on the tokens served by the busiest rank, per token of the batch."""
        return float(busiest_rank_bound(self.selection[None, slice(*part)], ep)[0])

    @property
    def is_even(self) -> bool:
        """Whether all experts are equally popular, so that the bounds are exact."""
        return bool(self.selection.max() - self.selection.min() < 1e-12)

    def selected(self, part: tuple[int, int]) -> float:
        """Return how many of a token's experts lie in a part, on average."""
        return float(self.selection[slice(*part)].sum())


class LayeredLoads(ExpertLoads):
    """Loads that no layer of a class falls below, where every layer has a routing of its own."""

    def __init__(self, selections: Array) -> None:
        super().__init__(selections.mean(axis=0))
        self._layers = [ExpertLoads(selection) for selection in np.unique(-np.sort(-selections, axis=1), axis=0)]

    def _compute(self, part: tuple[int, int], ep: int, tokens_raw: bytes) -> tuple[Array, Array]:
        tokens = np.frombuffer(tokens_raw)
        touched, served = zip(*(loads.busiest(part, ep, tokens) for loads in self._layers), strict=True)
        least = np.minimum.reduce(touched), np.minimum.reduce(served)
        for array in least:
            array.setflags(write=False)
        return least

    @property
    def is_even(self) -> bool:
        """Whether all experts of all layers are equally popular."""
        return all(loads.is_even for loads in self._layers)

    def selected(self, part: tuple[int, int]) -> float:
        """Return how many of a token's experts lie in a part, on average, in the layer with the fewest."""
        return min(loads.selected(part) for loads in self._layers)
