"""Shapes of a pool in a binary tree whose inner nodes are ideal shapes, at least as good as all below them.

Shapes are sorted by size. Every node carries the elementwise minimum of its children's tables, so anything computed
from it with non-negative weights bounds every shape below. Node 1 is the root, node ``i`` has the children ``2 i`` and
``2 i + 1``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from placer.cost.group import Array, relaxed_batch
from placer.cost.shape import GroupShape, group_shapes
from placer.memo import Memo
from placer.search.tables import CostModel, stage_values
from placer.search.value import NUM_CAPS, Pricing


@dataclass(frozen=True)
class OptionTree:
    """The shapes of one pool.

    Attributes
    ----------
    shapes
        Shape ``i`` is tree node ``first_leaf + i``; neighbours below a node are of like size.
    sizes : ndarray, shape (num_cells,)
        Largest microbatch size of every cell of the grid.
    points : ndarray, shape (2 num_cells,)
        Sizes the tables are made for: smallest and largest of every cell.
    values : ndarray, shape (num_nodes, 2 num_cells, num_base)
        Relaxed tables of one stage.
    stages, fewest_stages : ndarray, shape (num_nodes,)
        Stages, at most and at least.
    ranks : ndarray, shape (num_nodes,)
        Data-parallel ranks, at least; the microbatch size of a host is a multiple.
    least_usd_per_hour, most_usd_per_hour : ndarray, shape (num_nodes,)
        Price of a replica's group, at least; of the cheapest and dearest shape below.
    least_by_cap : ndarray, shape (num_nodes, NUM_CAPS)
        The same price with at most 1, 2, 4, ... replicas.
    most_replicas : ndarray, shape (num_nodes,)
        Replicas inventory and caps allow, at most.
    """

    shapes: tuple[GroupShape, ...]
    sizes: Array
    points: Array
    values: Array
    stages: Array
    fewest_stages: Array
    ranks: Array
    least_usd_per_hour: Array
    most_usd_per_hour: Array
    least_by_cap: Array
    most_replicas: Array

    @cached_property
    def known_stages(self) -> NDArray[np.int64]:
        """Stages of the shapes below every node, 1 (which limits nothing) where they differ."""
        same = self.fewest_stages == self.stages
        return np.where(same, self.stages, 1.0).astype(np.int64)

    @property
    def first_leaf(self) -> int:
        """Number of the first leaf."""
        return len(self.values) // 2


def _sorted_shapes(cost: CostModel, pool: str, valuation: Pricing) -> list[tuple[float, GroupShape]]:
    fleet = cost.scenario.fleet
    shapes = list(group_shapes(cost.model, fleet.pool(pool), cost.scenario.space, has_copies=cost.has_copies))
    of_block = {(shape.stages, shape.width): shape for shape in shapes}
    rents = {block: valuation.lowest_usd_per_hour((shape,)) for block, shape in of_block.items()}
    priced = [(rents[shape.stages, shape.width], shape) for shape in shapes]
    affordable = [entry for entry in priced if np.isfinite(entry[0])]
    return sorted(affordable, key=lambda entry: _size(entry[1]))


def _size(shape: GroupShape) -> tuple[int, ...]:
    return shape.width, shape.stages, *shape.cuts


def cell_points(sizes: Array) -> Array:
    """Return the smallest and the largest whole size of every cell of a grid, one after the other.

    >>> cell_points(np.array([1.0, 2.0, 5.0])).tolist()
    [1.0, 1.0, 2.0, 2.0, 3.0, 5.0]
    """
    smallest = np.concatenate([[1.0], sizes[:-1] + 1.0])
    return np.stack([smallest, sizes], axis=1).ravel()


def _leaves_in_order(num_leaves: int) -> list[int]:
    """Return the leaves of a heap of so many from left to right; the deepest level comes first.

    >>> _leaves_in_order(3)
    [4, 5, 3]
    """
    level = 1 << (num_leaves - 1).bit_length()
    return [*range(level, 2 * num_leaves), *range(num_leaves, level)]


def _fill_inner(array: Array, first_leaf: int, combine: Callable[[Array, Array], Array]) -> None:
    """Fill the inner nodes of a heap from its leaves, children first."""
    stop = first_leaf
    while stop > 1:
        start = max(1, -(-stop // 2))
        array[start:stop] = combine(array[2 * start : 2 * stop : 2], array[2 * start + 1 : 2 * stop : 2])
        stop = start


#: The trees of the last question: of large pools each takes hundreds of megabytes.
_TREES = Memo[OptionTree | None](2)


def build_tree(cost: CostModel, pool: str, valuation: Pricing, sizes: Array) -> OptionTree | None:
    """Return the tree of a pool's shapes, or None if not one can be rented.

    Parameters
    ----------
    cost, valuation
        The scenario's cost model and prices.
    pool
        Whose shapes.
    sizes : ndarray, shape (num_sizes,)
        Microbatch sizes, tokens of the whole replica.
    """
    key = cost.key, pool, sizes.tobytes(), type(valuation).__name__
    return _TREES.get(key, lambda: _built(cost, pool, valuation, sizes))


def _built(cost: CostModel, pool: str, valuation: Pricing, sizes: Array) -> OptionTree | None:
    priced = _sorted_shapes(cost, pool, valuation)
    if not priced:
        return None
    points, first = cell_points(sizes), len(priced)
    values = np.empty((2 * first, len(points), cost.fields.num_base))
    stages, fewest, ranks, replicas = (np.zeros(2 * first) for _ in range(4))
    least, most = np.zeros(2 * first), np.zeros(2 * first)
    by_cap = np.zeros((2 * first, NUM_CAPS))
    tables: dict[tuple[int, ...], Array] = {}
    rents: dict[tuple[int, int], tuple[Array, int]] = {}
    shapes: list[GroupShape] = [shape for _, shape in priced]
    for leaf, (usd_per_hour, shape) in zip(_leaves_in_order(first), priced, strict=True):
        shapes[leaf - first] = shape
        key = (shape.width, *shape.cuts)
        if key not in tables:
            # In this order the shape without context parallelism comes first.
            tables[key] = stage_values(cost, shape, points, relaxed_batch, tables.get((*key[:-1], 1)))
        values[leaf], ranks[leaf] = tables[key], shape.dp
        stages[leaf] = fewest[leaf] = shape.stages
        least[leaf] = most[leaf] = usd_per_hour
        block = shape.stages, shape.width
        if block not in rents:
            rents[block] = valuation.least_usd_per_hour_by_cap((shape,)), valuation.most_replicas((shape,))
        by_cap[leaf], replicas[leaf] = rents[block]
    columns = (values, stages, fewest, ranks, least, most, by_cap, replicas)
    for array, combine in zip(columns, _COMBINED, strict=True):
        _fill_inner(array, first, combine)
    return OptionTree(tuple(shapes), sizes, points, *columns)


#: How the arrays of a tree, in order, follow from those of two children.
_COMBINED = (
    *(np.minimum, np.maximum, np.minimum, np.minimum),
    *(np.minimum, np.maximum, np.minimum, np.maximum),
)


def without_cuts(tree: OptionTree) -> OptionTree:
    """Return the tree of those shapes that cut no sequence; the tree itself where none does."""
    kept = [number for number, shape in enumerate(tree.shapes) if shape.cp == 1]
    if len(kept) == len(tree.shapes):
        return tree
    first, by_size = len(kept), sorted(kept, key=lambda number: _size(tree.shapes[number]))
    leaves = np.array(_leaves_in_order(first))
    shapes = [tree.shapes[number] for _, number in sorted(zip(leaves.tolist(), by_size, strict=True))]

    def again(array: Array, combine: Callable[[Array, Array], Array]) -> Array:
        nodes = np.zeros((2 * first, *array.shape[1:]))
        nodes[leaves] = array[tree.first_leaf + np.array(by_size)]
        _fill_inner(nodes, first, combine)
        return nodes

    columns = (
        *(tree.values, tree.stages, tree.fewest_stages, tree.ranks),
        *(tree.least_usd_per_hour, tree.most_usd_per_hour, tree.least_by_cap, tree.most_replicas),
    )
    fewer = (again(array, combine) for array, combine in zip(columns, _COMBINED, strict=True))
    return OptionTree(tuple(shapes), tree.sizes, tree.points, *fewer)
