import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.cost.group import exact_batch
from placer.cost.shape import group_shapes
from placer.search.tables import stage_values
from placer.search.tree import _leaves_in_order, build_tree, cell_points, without_cuts

NAMES = ["uniform", "zipf", "chips"]


def below(tree, node):
    """Leaves of the tree below a node."""
    if node >= tree.first_leaf:
        return [node]
    return [leaf for child in (2 * node, 2 * node + 1) for leaf in below(tree, child)]


@pytest.mark.parametrize("name", NAMES)
def test_leaves_are_the_shapes_of_the_declared_space(searched, name):
    search = searched[name]
    for pool, tree in search.trees.items():
        fleet_pool = search.scenario.fleet.pool(pool)
        expected = set(group_shapes(search.searcher.cost.model, fleet_pool, search.scenario.space))
        rentable = {shape for shape in expected if np.isfinite(search.objective.lowest_usd_per_hour((shape,)))}
        assert set(tree.shapes) == rentable
        assert len(tree.shapes) == len(rentable) == tree.first_leaf


@pytest.mark.parametrize("name", NAMES)
def test_inner_nodes_are_at_least_as_good_as_all_leaves_below(searched, name):
    for tree in searched[name].trees.values():
        least = (tree.values, tree.fewest_stages, tree.ranks, tree.least_usd_per_hour, tree.least_by_cap)
        most = (tree.stages, tree.most_usd_per_hour, tree.most_replicas)
        for node in range(1, 2 * tree.first_leaf):
            leaves = below(tree, node)
            for array in least:
                assert (array[node] == np.min(array[leaves], axis=0)).all()
            for array in most:
                assert (array[node] == np.max(array[leaves], axis=0)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_tree_of_whole_sequences_is_the_one_of_a_space_without_cuts(searched, name):
    search = searched[name]
    cost, sizes = search.searcher.cost, next(iter(search.trees.values())).sizes
    space = cost.scenario.space.model_copy(update={"context_parallel": False})
    smaller = dataclasses.replace(cost, scenario=cost.scenario.model_copy(update={"space": space}))
    for pool, tree in search.trees.items():
        whole, expected = without_cuts(tree), build_tree(smaller, pool, search.objective, sizes)
        assert whole.shapes == expected.shapes
        for field in dataclasses.fields(whole):
            if field.name != "shapes":
                first = 0 if field.name in {"sizes", "points"} else 1  # no node has the number 0
                assert (getattr(whole, field.name)[first:] == getattr(expected, field.name)[first:]).all(), field.name


@pytest.mark.parametrize("name", NAMES)
def test_leaves_never_take_longer_than_the_exact_tables(searched, name):
    search = searched[name]
    cost, fields = search.searcher.cost, search.searcher.cost.fields
    for tree in search.trees.values():
        whole = [at for at, point in enumerate(tree.points) if point == round(point)]
        for number, shape in enumerate(tree.shapes):
            exact = stage_values(cost, shape, tree.points[whole], exact_batch)
            relaxed = tree.values[tree.first_leaf + number, whole]
            assert (relaxed <= exact * (1 + 1e-12)).all()
            assert (relaxed[:, fields.port] == 1 / shape.width).all()


@given(st.integers(1, 200))
def test_leaves_come_from_left_to_right(num_leaves):
    order = _leaves_in_order(num_leaves)
    assert sorted(order) == list(range(num_leaves, 2 * num_leaves))

    def left_to_right(node):
        if node >= num_leaves:
            return [node]
        return left_to_right(2 * node) + left_to_right(2 * node + 1)

    assert order == left_to_right(1)


@given(st.lists(st.integers(1, 10), min_size=1, max_size=10))
def test_cells_follow_one_another_without_gaps(steps):
    sizes = np.cumsum(np.array(steps, dtype=np.float64))
    points = cell_points(sizes).tolist()
    assert points[0] == 1
    assert points[1::2] == sizes.tolist()
    assert [after - before for before, after in zip(points[1::2], points[2::2], strict=False)] == [1] * (len(steps) - 1)


def test_a_pool_nobody_can_rent_has_no_tree(toys):
    search = toys.Searched(toys.scenario(target={"cost_cap": "0.9 USD/h"}))
    # the cheapest unit of either pool costs 1 and 4 USD/h
    assert search.trees == {"big": None, "fast": None}
    assert build_tree(search.searcher.cost, "big", search.objective, np.array([1.0])) is None
