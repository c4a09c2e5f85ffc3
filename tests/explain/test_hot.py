"""Hot experts of plans worked out by hand: what they save, and what limits them."""

import pytest

from placer.explain.hot import explain_hot
from placer.plan.hot import HotLimit
from placer.plan.placement import Way

EXPERT = 192
#: Bytes a second of the host.
HBM = 1880


def test_the_figures_of_one_hot_expert_by_hand(paying):
    # Expert 0 has 99 % of the selections; one token touches one expert: 0.99 and 0.01 of 192 B.
    context = paying()
    explained = explain_hot(context)
    (row,) = explained.rows
    assert (row.layers, row.stage, row.hot, row.experts) == ((0,), 0, 1, 2)
    assert row.routing_share == pytest.approx(0.99)
    assert row.traffic_share == pytest.approx(0.99)
    assert row.saved_bytes == pytest.approx(0.99 * EXPERT)
    assert row.side_bytes == explained.side_bytes == EXPERT
    assert row.cold_s == pytest.approx(0.01 * EXPERT / HBM)
    assert row.hot_s == pytest.approx(0.99 * EXPERT / (10 * HBM))
    assert row.link_s == pytest.approx(0.0, abs=1e-9)
    # The ten times faster chip reads 99 times as much.
    assert row.limit is HotLimit.HOT
    assert explained.saved_bytes == row.saved_bytes
    assert explained.traffic_share == pytest.approx(row.traffic_share)
    assert explained.law_step_time_s == pytest.approx(context.metrics.law_step_time_s)
    assert explained.outside == ()


def test_without_room_for_the_next_level_memory_limits(paying):
    # Room for one of four: 0.3 x 192 B on the host against 0.7 x 19.2; with two it would be 0.1 x 192 and 0.9 x 19.2.
    (row,) = explain_hot(paying((70, 20, 5, 5), parts=4, hbm="4 kB")).rows
    assert row.hot == 1
    assert row.traffic_share == pytest.approx(0.7)
    assert row.limit is HotLimit.SRAM


def test_with_the_largest_level_the_cold_side_limits(paying):
    # Room for one expert of two, as popular: 96 B on the host against 96 / 10.
    (row,) = explain_hot(paying((1, 1))).rows
    assert row.hot == 1
    assert row.limit is HotLimit.COLD


def test_a_link_that_takes_longest_limits(paying):
    # There and back take 2 x 20 ms; the cold expert takes 1.92 B / 1880 B/s = 1 ms, the hot one 10 ms.
    (row,) = explain_hot(paying(latency="20 ms")).rows
    assert row.link_s == pytest.approx(0.04, rel=1e-6)
    assert row.limit is HotLimit.LINK


def test_layers_alike_are_one_row_and_add_up(paying):
    context = paying((99, 1), sram="640 B", layers=3, hbm="4 kB")
    explained = explain_hot(context)
    split = [layer.layer for layer in context.placement.layers if layer.way is Way.SPLIT]
    assert sorted(layer for row in explained.rows for layer in row.layers) == split
    assert len(split) > 1
    assert len(explained.rows) == 1
    assert explained.side_bytes == len(split) * EXPERT
    assert explained.saved_bytes == pytest.approx(len(split) * 0.99 * EXPERT)


def test_a_plan_without_split_layers_has_no_rows(paying):
    explained = explain_hot(paying(sram="1 kB"))
    assert explained.rows == ()
    assert explained.side_bytes == explained.saved_bytes == explained.traffic_share == 0
