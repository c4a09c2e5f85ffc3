"""How a node is split in two: along the dimension in which it is widest."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from placer.cost.group import Array
from placer.scenario.space import Space
from placer.search.nodes import (
    FIRST_CELL,
    HOST_NODE,
    LAST_CELL,
    LEAST_FLIGHT,
    MOST_FLIGHT,
    SIDE_NODE,
    Family,
    Integers,
)
from placer.search.tree import OptionTree

#: Width that one more level of an option tree counts for; measured in ``docs/decisions/0003-ratio-objective.md``.
LEVEL_WIDTH = 0.15

_OPTION_COLUMNS = (HOST_NODE, SIDE_NODE)


def _trees(family: Family) -> tuple[OptionTree | None, OptionTree | None]:
    return family.host, family.side


def _is_inner(tree: OptionTree | None, numbers: Integers) -> NDArray[np.bool_]:
    return np.zeros(len(numbers), dtype=bool) if tree is None else np.asarray(numbers < tree.first_leaf)


def is_leaf(family: Family, nodes: Integers) -> NDArray[np.bool_]:
    """Return which nodes have one shape per group, one number of microbatches and one cell of batch sizes."""
    inner = np.zeros(len(nodes), dtype=bool)
    for tree, column in zip(_trees(family), _OPTION_COLUMNS, strict=True):
        inner |= _is_inner(tree, nodes[:, column])
    single = (nodes[:, LEAST_FLIGHT] == nodes[:, MOST_FLIGHT]) & (nodes[:, FIRST_CELL] == nodes[:, LAST_CELL])
    leaf: NDArray[np.bool_] = np.logical_and(single, ~inner)
    return leaf


def _widths(family: Family, nodes: Integers) -> Array:
    """Return how wide every node is in every dimension, -1 where it cannot be split, shape (num_nodes, 4)."""
    width = np.full((len(nodes), 4), -1.0)
    for position, (tree, column) in enumerate(zip(_trees(family), _OPTION_COLUMNS, strict=True)):
        inner = _is_inner(tree, nodes[:, column])
        if tree is not None and inner.any():
            at = nodes[inner, column]
            levels = np.log2(tree.first_leaf) - np.floor(np.log2(at))
            spread = np.log(tree.most_usd_per_hour[at] / tree.least_usd_per_hour[at])
            width[inner, position] = spread + LEVEL_WIDTH * levels
    flights = nodes[:, MOST_FLIGHT] / nodes[:, LEAST_FLIGHT]
    width[:, 2] = np.where(flights > 1, np.log(flights), -1.0)
    sizes = family.host.sizes
    ratio = sizes[nodes[:, LAST_CELL]] / sizes[np.maximum(nodes[:, FIRST_CELL] - 1, 0)]
    width[:, 3] = np.where(nodes[:, FIRST_CELL] < nodes[:, LAST_CELL], np.log(ratio), -1.0)
    return width


def _halves(nodes: Integers, columns: tuple[int, int], middle: Integers) -> list[Integers]:
    lower, upper = nodes.copy(), nodes.copy()
    lower[:, columns[1]] = middle
    upper[:, columns[0]] = middle + 1
    return [lower, upper]


def split(family: Family, nodes: Integers) -> Integers:
    """Return the two halves of every node; halves without a shape are left out."""
    dimension = _widths(family, nodes).argmax(axis=1)
    halves: list[Integers] = []
    for position, (tree, column) in enumerate(zip(_trees(family), _OPTION_COLUMNS, strict=True)):
        parents = nodes[dimension == position]
        for child in range(2 if tree is not None and len(parents) else 0):
            half = parents.copy()
            half[:, column] = 2 * half[:, column] + child
            assert tree is not None
            halves.append(half[np.isfinite(tree.least_usd_per_hour[half[:, column]])])
    parents = nodes[dimension == 2]
    middle = np.sqrt(parents[:, LEAST_FLIGHT] * parents[:, MOST_FLIGHT]).astype(np.int64)
    halves += _halves(parents, (LEAST_FLIGHT, MOST_FLIGHT), middle)
    parents = nodes[dimension == 3]
    middle = (parents[:, FIRST_CELL] + parents[:, LAST_CELL]) // 2
    halves += _halves(parents, (FIRST_CELL, LAST_CELL), middle)
    return _whole_shares(family, np.concatenate(halves))


def _whole_shares(family: Family, nodes: Integers) -> Integers:
    """Narrow microbatches in flight to what the stages allow, as far as these are known; drop nodes left with none."""
    stages = [np.ones(len(nodes), dtype=np.int64)] * 2
    for number, (tree, column) in enumerate(zip(_trees(family), _OPTION_COLUMNS, strict=True)):
        if tree is not None:
            stages[number] = tree.known_stages[nodes[:, column]]
    least, most = _allowed(family.space)
    narrow = nodes.copy()
    narrow[:, LEAST_FLIGHT] = least[stages[0], stages[1], nodes[:, LEAST_FLIGHT]]
    narrow[:, MOST_FLIGHT] = most[stages[0], stages[1], nodes[:, MOST_FLIGHT]]
    return narrow[narrow[:, LEAST_FLIGHT] <= narrow[:, MOST_FLIGHT]]


@lru_cache(maxsize=16)
def _allowed(space: Space) -> tuple[Integers, Integers]:
    """Return the next number of microbatches upwards and downwards that groups of so many stages may have in flight.

    Returns
    -------
    tuple of ndarray, each of shape (max_stages + 1, max_stages + 1, max_microbatches + 1)
        By stages of host and sidecar and by a number; beyond the largest, and 0, where there is none.
    """
    numbers = np.arange(space.max_microbatches + 2, dtype=np.int16)
    stages = np.arange(space.max_stages + 1, dtype=np.int16)
    suits = (numbers <= stages[:, None]) | (numbers % np.maximum(stages, 1)[:, None] == 0)
    both = suits[:, None, :] & suits[None, :, :]
    both[..., 0] = both[..., -1] = True
    upwards = np.where(both, numbers, numbers[-1])
    least = np.minimum.accumulate(upwards[..., ::-1], axis=-1)[..., ::-1]
    most = np.maximum.accumulate(np.where(both, numbers, numbers[0]), axis=-1)
    return least[..., :-1], most[..., :-1]
