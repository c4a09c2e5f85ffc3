import numpy as np
import pytest

from placer.search.layout.constraints import turns as in_layout
from placer.search.layout.evaluate import evaluate
from placer.search.layout.layout import Layout
from placer.search.sizing.constraints import turns as in_sizing

#: By group and chain: near, direct, relay, away, split.
TURNS = np.array(
    [
        [[20, 60, 50, 0, 56], [30, 60, 50, 0, 56], [15, 0, 0, 0, 56]],
        [[0, 70, 80, 24, 90], [0, 70, 80, 40, 90], [0, 0, 0, 40, 0]],
    ]
)


def timed(toys, **changes):
    return toys.problem(3, classes=(toys.table(turns=TURNS),), **changes)


def test_one_microbatch_never_waits(toys):
    toys.SizingModel(timed(toys, in_flight=1), in_sizing).place({toys.NEAR: 3}).ends().assert_share(0)


@pytest.mark.parametrize(
    ("in_flight", "turns", "share"), [(2, 2, 1), (3, 3, 1), (4, 4, 1), (8, 4, 2), (12, 4, 3), (5, 3, 2), (9, 3, 3)]
)
def test_stages_are_taken_by_shares_in_turns(toys, in_flight, turns, share):
    problem = timed(toys, in_flight=in_flight, stages=(4, 0))
    assert (problem.num_turns(0), problem.share(0)) == (turns, share)
    model = toys.SizingModel(problem, in_sizing).place({toys.NEAR: 3}).ends()
    model.hold(0, {(0, 0): 2}, {(0, 0): 1}, {}, {})
    # two layers and the embedding, which a share goes through one by one; the longer chain counts
    model.assert_share(turns * max(2 * 30 + share * 1, share * 5))


def test_either_group_is_taken(toys):
    model = toys.SizingModel(timed(toys), in_sizing).place({toys.RELAY: 1, toys.AWAY: 2}).ends(0, 1)
    # sidecar: relay 80, away 40 each, head 2 * 7
    model.assert_share(80 + 2 * 40 + 2 * 7)


def test_chains_are_not_mixed(toys):
    turns = TURNS.copy()
    turns[0, 0, toys.SPLIT] = 90
    problem = toys.problem(2, classes=(toys.table(turns=turns),))
    model = toys.SizingModel(problem, in_sizing).place({toys.NEAR: 1, toys.SPLIT: 1}).ends()
    # first chain 20 + 90, last chain 30 + 56; embedding and head 2 * 6
    model.assert_share(max(20 + 90, 30 + 56, 90) + 2 * 6)


def test_a_path_counts_once_however_many_share_a_stage(toys):
    turns = TURNS.copy()
    turns[0, 2] = 100
    problem = toys.problem(2, classes=(toys.table(turns=turns),), in_flight=3)
    model = toys.SizingModel(problem, in_sizing).place({toys.NEAR: 2}).ends()
    model.assert_share(2 * 100 + 1 + 5)


def test_a_layout_takes_as_long_as_its_fullest_stage(toys):
    problem = timed(toys, stages=(2, 1), in_flight=4)
    model = toys.LayoutModel(problem, in_layout).place(toys.NEAR, toys.NEAR, toys.SPLIT).ends()
    model.at(0, 0, 1, 1).at(1, 0, 0, 0)
    # second stage: last chain 30 + 56, head 2 * 5; two turns
    model.assert_share(2 * (30 + 56 + 2 * 5))
    layout = Layout((toys.NEAR, toys.NEAR, toys.SPLIT), ((0, 1, 1), (0, 0, 0)), (False, False))
    busy = evaluate(problem, layout).busy
    assert (busy["host turns"], busy["sidecar turns"]) == (2 * (30 + 56 + 2 * 5), 90)


@pytest.mark.parametrize(
    ("stages", "expected"), [((1,), range(1, 13)), ((4,), (1, 2, 3, 4, 8, 12)), ((2, 3), (1, 2, 6, 12))]
)
def test_microbatches_suit_the_stages(toys, stages, expected):
    space = toys.scenario().space.model_copy(update={"max_microbatches": 12})
    assert space.microbatches(stages) == tuple(expected)
