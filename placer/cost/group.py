"""A group of devices and a batch, ready to be costed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet
from placer.catalog.link import Link
from placer.cost.collective import Beyond
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
    per_sequence
        Tokens of one sequence that pass together: 1, and those of a draft that are verified with it.
    """

    tokens: Array
    rank_tokens: Array
    device_tokens: Array
    per_sequence: int = 1

    @property
    def rank_sequences(self) -> Array:
        """Sequences of the fullest data-parallel rank."""
        return self.rank_tokens / self.per_sequence

    def widened(self, per_sequence: int) -> Batch:
        """Return as many sequences with so many tokens each; of a batch with one token each.

        All counts grow by the same factor, so times per sequence fall with the number of sequences as before.
        """
        if per_sequence == 1:
            return self
        return Batch(
            self.tokens * per_sequence,
            self.rank_tokens * per_sequence,
            self.device_tokens * per_sequence,
            per_sequence,
        )


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
