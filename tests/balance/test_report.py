"""All layers: nodes, groups, affinity, totals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import placer
from placer.balance.affinity import crossing, relabelled
from placer.balance.nodes import cross_node_share, hierarchical, node_loads, spread
from placer.balance.report import GLOBAL, HIERARCHICAL, balance_layers
from placer.balance.result import rank_loads
from placer.errors import InputError
from tests.balance.cases import README, zipf


def _layers(number, experts=64):
    return np.array([zipf(experts, 0.8, seed) for seed in range(number)])


def test_totals_are_sums_of_layers():
    counts = _layers(5)
    report = balance_layers(counts, 8, 72)
    assert len(report.layers) == 5
    for name in ("max_load", "mean_load", "bound", "eplb_max_load"):
        assert getattr(report, name) == pytest.approx(sum(getattr(layer, name) for layer in report.layers))
    assert report.worst_relative_gap == max(layer.relative_gap for layer in report.layers)
    assert [layer.hottest for layer in report.layers] == counts.argmax(axis=1).tolist()
    assert placer.balance(counts, 8, 72) == report
    assert placer.balance(counts.tolist(), 8, 72) == report


def test_layers_in_processes_are_those_of_one():
    counts = _layers(9)
    report = balance_layers(counts, 8, 72, 2)
    for loads, layer in zip(counts, report.layers, strict=True):
        assert balance_layers(loads[None], 8, 72, 2).layers == (layer,)


def test_the_example_of_eplbs_readme_with_its_nodes_and_groups():
    report = balance_layers(README, 8, 16, nodes=2, groups=4)
    assert [layer.eplb_max_load for layer in report.layers] == [156.0, 179.5]
    assert [layer.max_load for layer in report.layers] == [136.0, 172.0]
    assert {layer.policy for layer in report.layers} == {GLOBAL}


def test_groups_stay_together_where_that_is_free():
    # Every group is alike, so whole groups balance as well as anything does.
    report = balance_layers(np.ones((1, 32)), 4, 32, nodes=2, groups=8)
    (layer,) = report.layers
    assert layer.policy == HIERARCHICAL
    nodes = np.array(layer.physical_to_logical).reshape(2, -1) // 4
    assert not set(nodes[0]) & set(nodes[1])


def test_the_hierarchical_policy_keeps_groups_whole_and_beats_eplbs():
    loads = zipf(64, 0.8)
    placed = hierarchical(loads, 8, 72, nodes=2, groups=8, seed=0, work=1.0)
    groups = placed.reshape(2, -1) // 8
    assert not set(groups[0]) & set(groups[1])
    report = balance_layers(loads[None], 8, 72, nodes=2, groups=8)
    assert rank_loads(placed, loads, 8).max() <= report.layers[0].eplb_max_load


def test_replicas_go_to_different_nodes():
    placed = np.array([0, 1, 0, 2, 3, 4, 3, 5])
    loads = np.array([8.0, 1, 1, 8, 1, 1])
    moved = spread(placed, loads, 4, 2)
    assert cross_node_share(moved, loads, 2) < cross_node_share(placed, loads, 2)
    assert sorted(rank_loads(moved, loads, 4)) == sorted(rank_loads(placed, loads, 4))
    for expert in (0, 3):
        assert (moved[:4] == expert).sum() == (moved[4:] == expert).sum() == 1


def test_tokens_leave_their_node_where_there_is_no_replica():
    loads = np.array([3.0, 1.0])
    assert cross_node_share(np.array([0, 1]), loads, 2) == pytest.approx(0.5)
    assert cross_node_share(np.array([0, 1, 0, 1]), loads, 2) == 0
    assert cross_node_share(np.array([0, 0, 0, 1]), loads, 2) == pytest.approx((3 * (1 / 6) + 1 * 0.5) / 4)
    assert node_loads(np.array([0, 0, 0, 1]), loads, 2).tolist() == [2, 2]
    assert cross_node_share(np.array([0, 1]), np.zeros(2), 2) == 0


class TestAffinity:
    """Ranks change names; loads stay."""

    def test_what_belongs_together_comes_together(self):
        # Expert e of a layer sends all its tokens to expert e of the next; the second layer is stored in reverse.
        affinity = np.eye(8)[None] * 5.0
        placed = [np.arange(8), np.arange(8)[::-1].copy()]
        moved, traffic = relabelled(placed, affinity, 2, [8, 8])
        assert (traffic.cross_node_before, traffic.cross_node_after) == (1.0, 0.0)
        assert crossing(moved, affinity, 2) == 0

    def test_units_move_as_a_whole(self):
        affinity = np.eye(8)[None]
        moved, traffic = relabelled([np.arange(8), np.arange(8)[::-1].copy()], affinity, 2, [2, 2])
        assert traffic.cross_node_after == 0
        assert {frozenset(half) for half in moved[1].reshape(2, -1).tolist()} == {
            frozenset(range(4)),
            frozenset(range(4, 8)),
        }

    @given(st.integers(0, 10_000))
    @settings(max_examples=6)
    def test_loads_stay_and_traffic_never_rises(self, seed):
        random = np.random.default_rng(seed)
        counts = random.integers(0, 100, (3, 16)).astype(float)
        affinity = random.gamma(0.2, 10.0, (2, 16, 16))
        before = balance_layers(counts, 4, 20, 2, work=0.05)
        after = balance_layers(counts, 4, 20, 2, affinity, work=0.05)
        assert after.affinity.cross_node_after <= after.affinity.cross_node_before
        for one, other, loads in zip(before.layers, after.layers, counts, strict=True):
            assert one.max_load == other.max_load
            assert sorted(rank_loads(np.array(one.physical_to_logical), loads, 4)) == pytest.approx(
                sorted(rank_loads(np.array(other.physical_to_logical), loads, 4))
            )

    def test_nothing_to_do_is_nothing_done(self):
        placed = [np.arange(4), np.arange(4)]
        moved, traffic = relabelled(placed, np.zeros((1, 4, 4)), 2, [4, 4])
        assert traffic.cross_node_before == traffic.cross_node_after == 0
        assert moved == placed


@pytest.mark.parametrize(
    ("counts", "arguments", "message"),
    [
        ([1.0], {}, "counts: expected"),
        ([[1.0], [1.0, 2.0]], {}, "counts: expected numbers"),
        ([["a"]], {}, "counts: expected numbers"),
        ([[1.0, -1.0]], {}, r"counts\[0\]: loads\[1\]: expected a finite number"),
        ([[1.0, 2.0]], {"slots": 3}, "slots: expected a multiple of the 2 ranks"),
        ([[1.0, 2.0]], {"nodes": 3}, "nodes: expected a divisor of the 2 ranks, got 3"),
        ([[1.0, 2.0]], {"nodes": 0}, "nodes"),
        ([[1.0, 2.0]], {"nodes": 2, "groups": 1}, "groups: expected a divisor of the 2 experts and a multiple"),
        ([[1.0, 2.0]], {"seed": -1}, "seed"),
        ([[1.0, 2.0]], {"work": 0.0}, "work"),
        ([[1.0, 2.0], [1.0, 2.0]], {"affinity": np.ones((2, 2, 2))}, r"affinity: expected shape \(1, 2, 2\)"),
        ([[1.0, 2.0], [1.0, 2.0]], {"affinity": -np.ones((1, 2, 2))}, "affinity: expected finite numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(counts, arguments, message):
    with pytest.raises(InputError, match=message):
        balance_layers(counts, **({"ranks": 2, "slots": 4} | arguments))
