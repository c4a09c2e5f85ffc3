"""Leaves still open, best first, and in batches that can be bounded together."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from placer.search.nodes import Integers
from placer.search.sizing.build import Candidate

Key = tuple[object, ...]


@dataclass(frozen=True)
class Leaf:
    """A candidate of one shape per group, for a range of sizes inside a cell of the batch grid.

    Attributes
    ----------
    bound
        No plan of the leaf costs less.
    candidate
        Groups and batch.
    node
        The node it came from.
    effort
        How often its proof was tried in vain.
    batch
        Leaves of equal batch are bounded together.
    """

    bound: float
    candidate: Candidate
    node: Integers = field(compare=False)
    effort: int
    batch: Key

    def at_least(self, bound: float) -> Leaf:
        """Return this leaf with a better bound."""
        return replace(self, bound=max(self.bound, bound))


def first_batch(candidate: Candidate, node: Integers) -> Key:
    """Return the batch a new leaf joins: groups of equal stages and widths, cut in whatever way, at the same sizes."""
    blocks = tuple((shape.stages, shape.width) for shape in candidate.shapes)
    return (*blocks, *(int(number) for number in node[2:]))


def halves(leaves: list[Leaf]) -> tuple[list[Leaf], list[Leaf]]:
    """Return a batch in two: by the shape of the host, or where all have the same one, by that of the sidecar."""
    hosts = {leaf.candidate.host for leaf in leaves}

    def place(leaf: Leaf) -> tuple[int, ...]:
        shape = leaf.candidate.host if len(hosts) > 1 else leaf.candidate.shapes[-1]
        return shape.cuts

    places = sorted({place(leaf) for leaf in leaves})
    middle = places[(len(places) - 1) // 2]
    first: list[Leaf] = []
    second: list[Leaf] = []
    for leaf in leaves:
        half = int(place(leaf) > middle)
        (second if half else first).append(replace(leaf, batch=(*leaf.batch, half)))
    return first, second


class OpenLeaves:
    """A heap of leaves from which whole batches can be taken."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._leaves: dict[int, Leaf] = {}
        self._batches: dict[Key, dict[int, Leaf]] = defaultdict(dict)
        self._number = count()

    def __len__(self) -> int:
        return len(self._leaves)

    @property
    def bound(self) -> float:
        """Least bound of all; inf without leaves."""
        self._drop_taken()
        return self._heap[0][0] if self._heap else np.inf

    def _drop_taken(self) -> None:
        """Bring a leaf to the top of the heap: those taken with their batch still stand there."""
        while self._heap and self._heap[0][1] not in self._leaves:
            heapq.heappop(self._heap)

    def push(self, leaf: Leaf) -> None:
        """Add a leaf."""
        number = next(self._number)
        self._leaves[number] = leaf
        self._batches[leaf.batch][number] = leaf
        heapq.heappush(self._heap, (leaf.bound, number))

    def pop(self) -> list[Leaf]:
        """Take the leaf of least bound and all of its batch; it comes first."""
        self._drop_taken()
        first = self._leaves[self._heap[0][1]]
        batch = self._batches.pop(first.batch)
        for number in batch:
            del self._leaves[number]
        return [first, *(leaf for leaf in batch.values() if leaf is not first)]

    def draw(self, random: np.random.Generator) -> Leaf:
        """Return a leaf drawn at random, which stays."""
        numbers = list(self._leaves)
        return self._leaves[numbers[int(random.integers(len(numbers)))]]

    def clear(self) -> list[Leaf]:
        """Take all leaves."""
        leaves = list(self._leaves.values())
        self._heap.clear()
        self._leaves.clear()
        self._batches.clear()
        return leaves
