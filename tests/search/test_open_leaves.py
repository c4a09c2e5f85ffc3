from dataclasses import fields, replace

import numpy as np
import pytest

from placer.cost.shape import GroupShape
from placer.search.open_leaves import Leaf, OpenLeaves, first_batch, halves
from placer.search.sizing.build import Candidate

BLOCK = {"pool", "stages", "width"}
NODE = np.array([4, 5, 2, 2, 3, 3], dtype=np.int64)


def leaf(bound, tp, side_tp=1, node=NODE):
    host, side = GroupShape("a", 2, 8, tp, 1), GroupShape("b", 3, 4, side_tp, 1)
    candidate = Candidate(host, side, 2, 8, 8)
    return Leaf(bound, candidate, node, 0, first_batch(candidate, node))


def test_the_best_leaf_comes_first_and_brings_its_batch():
    leaves, other = OpenLeaves(), NODE + np.array([0, 0, 0, 0, 1, 1])
    for bound, tp, node in ((3.0, 1, NODE), (2.0, 2, other), (1.0, 4, NODE)):
        leaves.push(leaf(bound, tp, node=node))
    assert (len(leaves), leaves.bound) == (3, 1.0)
    assert [one.bound for one in leaves.pop()] == [1.0, 3.0]
    assert (len(leaves), leaves.bound) == (1, 2.0)
    assert [one.bound for one in leaves.pop()] == [2.0]
    assert (len(leaves), leaves.bound) == (0, np.inf)


def test_halves_tell_hosts_apart_first_then_sidecars():
    batch = [leaf(1.0, tp, side) for tp in (1, 2) for side in (1, 2, 4)]
    first, second = halves(batch)
    assert [{one.candidate.host.tp for one in half} for half in (first, second)] == [{1}, {2}]
    assert first[0].batch != second[0].batch
    left, right = halves(first)
    assert [[one.candidate.side.tp for one in half] for half in (left, right)] == [[1, 2], [4]]


@pytest.mark.parametrize("field", [field.name for field in fields(GroupShape) if field.name not in BLOCK])
def test_halves_tell_shapes_apart_whatever_they_differ_in(field):
    # Leaves of one batch have groups of equal pools, stages and widths; if nothing else told them apart, they would be
    # bounded together for ever.
    one = leaf(1.0, 1)
    other = replace(one, candidate=replace(one.candidate, host=replace(one.candidate.host, **{field: 2})))
    assert [len(half) for half in halves([one, other])] == [1, 1]


def test_drawing_leaves_the_leaf():
    leaves = OpenLeaves()
    leaves.push(leaf(1.0, 1))
    assert leaves.draw(np.random.default_rng(0)).bound == 1.0
    assert len(leaves.clear()) == 1
    assert len(leaves) == 0
