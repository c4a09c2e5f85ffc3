from collections import Counter
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.search.layout.sequence import interleave, mixed, order_layers
from placer.search.sizing.model import Sizing

BLOCKS = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3), max_size=8)


@given(BLOCKS, BLOCKS)
def test_blocks_stay_whole_and_in_order(first, second):
    # tell the lists apart: those of the second are negative
    second = [[-1 - value for value in block] for block in second]
    merged = interleave(first, second)
    assert [value for value in merged if value >= 0] == [value for block in first for value in block]
    assert [value for value in merged if value < 0] == [value for block in second for value in block]


@given(st.integers(0, 30), st.integers(0, 30))
def test_blocks_are_mixed_evenly(num_first, num_second):
    merged = interleave([[1]] * num_first, [[2]] * num_second)
    assert Counter(merged) == {key: n for key, n in ((1, num_first), (2, num_second)) if n}
    for length in range(1, len(merged) + 1):
        share = num_second * length / len(merged)
        assert abs(merged[:length].count(2) - share) <= 1


def hops(toys, order, start):
    """Hops between the groups along an order of ways, from where the embedding lies."""
    ends = {toys.RELAY: (0, 1), toys.AWAY: (1, 1)}
    here, total = start, 0
    for number in order:
        enters, leaves = ends.get(number, (0, 0))
        total += here != enters
        here = leaves
    return total


@settings(max_examples=100)
@given(st.tuples(*[st.integers(0, 2)] * 5).filter(any), st.booleans())
def test_an_order_has_the_counts_and_away_layers_cost_no_extra_hops(toys, counts, from_side):
    order = mixed(toys.table(), dict(enumerate(counts)), from_side=from_side)
    assert Counter(order) == {number: count for number, count in enumerate(counts) if count}
    if sum(counts) <= 6:
        fewest = min(hops(toys, other, int(from_side)) for other in permutations(order))
        # an even order may pay for one more excursion than the best
        assert hops(toys, order, int(from_side)) <= fewest + 2


@pytest.mark.parametrize(("from_side", "expected"), [(True, [3, 3, 0, 0]), (False, [0, 0, 3, 3])])
def test_a_lone_block_of_away_layers_goes_where_hidden_states_are(toys, from_side, expected):
    assert mixed(toys.table(), {toys.NEAR: 2, toys.AWAY: 2}, from_side=from_side) == expected


def test_away_layers_follow_relays(toys):
    order = mixed(toys.table(), {toys.NEAR: 2, toys.RELAY: 2, toys.AWAY: 3}, from_side=False)
    runs = [(before, after) for before, after in pairwise(order) if after == toys.AWAY]
    assert {before for before, _ in runs} == {toys.RELAY, toys.AWAY}


def test_layers_follow_the_stages_that_sizing_dealt_them_to(toys):
    # direct in the first stage of the host, near in the second
    content = (({(0, 1): 2, (0, 0): 0}, {(0, 1): 0, (0, 0): 1}), ())
    sizing = Sizing(((1, 2, 0, 0, 0),), (False, False), content, 0, 0)
    assert order_layers(toys.problem(3, stages=(2, 1)), sizing) == (toys.DIRECT, toys.DIRECT, toys.NEAR)


def test_runs_are_ordered_one_by_one(toys):
    # run 0 ends on the sidecar, so the away layers of run 1 come first
    sizing = Sizing(((1, 0, 0, 1, 0), (1, 0, 0, 1, 0)), (False, False), ((), ()), 0, 0)
    order = order_layers(toys.problem(2, 2), sizing)
    assert order == (toys.NEAR, toys.AWAY, toys.AWAY, toys.NEAR)
