"""The baseline is EPLB: its README's example, and its rules."""

import numpy as np
import pytest
from hypothesis import given

from placer.balance.eplb import eplb, pack, replicate
from placer.balance.result import rank_loads, replica_counts
from tests.balance.cases import README, layers

# github.com/deepseek-ai/EPLB, README: 16 replicas, 4 groups, 2 nodes, 8 ranks.
PUBLISHED = (
    (5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1),
    (7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1),
)


@pytest.mark.parametrize("layer", [0, 1])
def test_the_readme_example(layer):
    loads = np.array(README[layer], dtype=float)
    ours, theirs = eplb(loads, 8, 16, nodes=2, groups=4), np.array(PUBLISHED[layer])
    assert replica_counts(ours, 12).tolist() == replica_counts(theirs, 12).tolist()
    assert sorted(rank_loads(ours, loads, 8)) == pytest.approx(sorted(rank_loads(theirs, loads, 8)))


@given(layers())
def test_all_slots_are_filled_and_no_expert_is_left_out(case):
    loads, ranks, slots = case
    placed = eplb(loads, ranks, slots)
    assert len(placed) == slots
    assert replica_counts(placed, len(loads)).min() >= 1


def test_groups_stay_in_their_node():
    placed = eplb(np.arange(24.0), 4, 32, nodes=2, groups=4).reshape(2, -1)
    assert not set(placed[0] // 6) & set(placed[1] // 6)


def test_groups_that_do_not_divide_are_ignored():
    loads = np.arange(24.0)
    assert eplb(loads, 6, 24, nodes=3, groups=4).tolist() == eplb(loads, 6, 24).tolist()


def test_replicas_may_be_capped():
    loads = np.array([100.0, 1.0, 1.0])
    assert replicate(loads, 8).tolist() == [6, 1, 1]
    assert replicate(loads, 8, most=4).tolist() == [4, 2, 2]
    assert replicate(loads, 9, most=2).sum() == 9


def test_packs_are_equally_full():
    assert pack(np.array([9.0, 1.0, 1.0, 1.0]), 2).shape == (2, 2)
