import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.cost.expert_load import most_copies
from placer.cost.loads import ExpertLoads
from placer.cost.shape import ExpertRanks
from placer.search.expert_layout import PlacedLoads, balanced_experts, copied_experts, copies_of, deal_experts

WEIGHTS = st.lists(st.integers(0, 20), min_size=1, max_size=7)


def least_fullest(weights, num_ranks, slots):
    """Brute force: the load of the fullest rank, at least, no rank holding more than its slots."""
    best = math.inf
    for ranks in product(range(num_ranks), repeat=len(weights)):
        if max(map(ranks.count, set(ranks))) <= slots:
            held = [sum(w for w, at in zip(weights, ranks, strict=True) if at == rank) for rank in range(num_ranks)]
            best = min(best, max(held))
    return best


@settings(max_examples=100)
@given(WEIGHTS, st.integers(1, 4))
def test_slots_are_respected_and_the_fullest_rank_is_near_the_best(weights, num_ranks):
    slots = -(-len(weights) // num_ranks)
    ranks = deal_experts(np.array(weights, dtype=np.float64), num_ranks)
    assert len(ranks) == num_ranks
    assert sorted(expert for members in ranks for expert in members) == list(range(len(weights)))
    assert max(map(len, ranks)) <= slots
    fullest = max(sum(weights[expert] for expert in members) for members in ranks)
    best = least_fullest(weights, num_ranks, slots)
    assert best <= fullest <= best * 4 / 3 + 1e-9


@given(st.integers(1, 300), st.integers(1, 300))
def test_equal_experts_are_dealt_evenly(num_experts, num_ranks):
    sizes = [len(members) for members in deal_experts(np.ones(num_experts), num_ranks)]
    assert max(sizes) - min(sizes) <= 1


def test_dealing_does_not_depend_on_chance():
    weights = np.array([2.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    assert deal_experts(weights, 2) == deal_experts(weights.copy(), 2) == ((0, 2, 4), (1, 3, 5))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8), st.integers(1, 4), st.lists(st.integers(1, 50), min_size=1))
def test_a_layout_is_never_better_than_the_bound(selection, num_ranks, tokens):
    part = (0, len(selection))
    sizes = np.array(tokens, dtype=np.float64)
    bound = ExpertLoads(np.array(selection)).busiest(part, ExpertRanks(num_ranks), sizes)
    placed = PlacedLoads(np.array(selection)).busiest(part, ExpertRanks(num_ranks), sizes)
    for least, ours in zip(bound[0], placed[0], strict=True):
        assert (ours >= least * (1 - 1e-9)).all()


def all_layouts(num_experts, num_ranks, slots, most):
    """Yield every layout: the set of experts of each rank; every expert somewhere, in no more copies than ``most``."""
    choices = [members for size in range(slots + 1) for members in combinations(range(num_experts), size)]
    for ranks in product(choices, repeat=num_ranks):
        copies = np.bincount([expert for members in ranks for expert in members], minlength=num_experts)
        if (copies >= 1).all() and (copies <= most).all():
            yield ranks, copies


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=4),
    st.integers(2, 3),
    st.integers(0, 1),
    st.integers(1, 60),
    st.floats(0.01, 10),
)
def test_no_layout_with_copies_beats_the_bound(selection, num_ranks, spare, tokens, bytes_per_flop):
    chances = np.sort(np.array(selection))[::-1]
    part, ranks, batch = (0, len(chances)), ExpertRanks(num_ranks, spare), np.array([float(tokens)])
    some = 1 - float(np.prod(1 - chances)) ** tokens

    def time(touched, served):
        return max(bytes_per_flop * touched, bytes_per_flop * some, served, some)

    pairs = ExpertLoads(chances, has_copies=True).busiest(part, ranks, batch)
    bound = min(time(float(touched[0]), float(served[0])) for touched, served in pairs)
    best = np.inf
    most = most_copies(chances, num_ranks)
    for layout, copies in all_layouts(len(chances), num_ranks, ranks.slots(len(chances)), most):
        share = chances / copies
        touched = max(sum(1 - (1 - share[expert]) ** tokens for expert in members) for members in layout)
        served = max(sum(share[expert] for expert in members) for members in layout) * tokens
        best = min(best, time(touched, served))
    ours = PlacedLoads(chances, has_copies=True).busiest(part, ranks, batch)
    assert bound <= best * (1 + 1e-9)
    assert best <= min(time(float(touched[0]), float(served[0])) for touched, served in ours) * (1 + 1e-9)


def test_copies_halve_the_busiest_rank_by_hand():
    # Two ranks, 0.9 and 0.1: alone the hot expert serves 0.9 of a token; in two copies each rank serves half of it.
    chances, ranks, tokens = np.array([0.9, 0.1]), ExpertRanks(2, 1), np.array([10.0])
    assert copied_experts(chances, 2, 2) == ((0, 1), (0,))
    touched, served = PlacedLoads(chances, has_copies=True).busiest((0, 2), ranks, tokens)[0]
    assert served[0] == pytest.approx(10 * (0.45 + 0.1))
    assert touched[0] == pytest.approx((1 - 0.55**10) + (1 - 0.9**10))
    # Without a slot to spare there is no copy.
    assert PlacedLoads(chances, has_copies=True).layouts((0, 2), ExpertRanks(2), 10.0)[0] == ((0,), (1,))


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=24), st.integers(1, 6), st.integers(0, 2))
def test_copies_keep_to_their_rules(selection, num_ranks, spare):
    chances = np.sort(np.array(selection))[::-1]
    slots = ExpertRanks(num_ranks, spare).slots(len(chances))
    layout = copied_experts(chances, num_ranks, slots)
    copies = copies_of(layout, len(chances))
    assert len(layout) == num_ranks
    assert all(len(members) == len(set(members)) <= slots for members in layout)
    assert (copies >= 1).all()
    assert (copies <= most_copies(chances, num_ranks)).all()


def test_the_busiest_rank_of_a_layout_by_hand():
    # dealt ((0, 3), (1, 2)): touched at b = 2: 1 - 1/16, 1 - 1/4 and 1 - 9/16 twice
    loads = PlacedLoads(np.array([0.75, 0.5, 0.25, 0.25]))
    touched, served = loads.busiest((0, 4), ExpertRanks(2), np.array([2.0]))[0]
    assert touched[0] == pytest.approx(max(15 / 16 + 7 / 16, 3 / 4 + 7 / 16))
    assert served[0] == pytest.approx(2 * max(0.75 + 0.25, 0.5 + 0.25))
    # experts 2 and 3 alone, on a rank each
    touched, served = loads.busiest((2, 4), ExpertRanks(2), np.array([2.0]))[0]
    any_touched = 1 - (9 / 16) ** 2
    assert touched[0] == pytest.approx(max(7 / 16, any_touched))
    assert served[0] == pytest.approx(max(0.5, any_touched))


SELECTION = np.array([0.9, 0.3, 0.3, 0.3, 0.1, 0.1])


def test_ranks_serve_as_much_or_touch_as_much():
    # By share, expert 0 has the two coldest for company: 1.1 against 0.9. At b = 16 nearly everything is touched but
    # those two, so each rank gets one of them.
    loads, batch = PlacedLoads(SELECTION), np.array([16.0])
    by_share, by_touch = loads.layouts((0, 6), ExpertRanks(2), 16.0)
    assert by_share == ((0, 4, 5), (1, 2, 3))
    assert sorted(map(len, by_touch)) == [3, 3]
    assert all(len({4, 5} & set(rank)) == 1 for rank in by_touch)
    (touched, served), (fewer, more) = loads.busiest((0, 6), ExpertRanks(2), batch)
    assert touched[0] == pytest.approx(3 * (1 - 0.7**16))
    assert served[0] == pytest.approx(16 * 1.1)
    assert fewer[0] < touched[0]
    assert more[0] > served[0]


def test_one_layout_does_where_it_is_even_in_both():
    loads = PlacedLoads(np.array([0.5, 0.5, 0.25, 0.25]))
    assert len(loads.layouts((0, 4), ExpertRanks(2), 8.0)) == 1
    assert len(loads.busiest((0, 4), ExpertRanks(2), np.array([8.0, 9.0]))) == 1


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.integers(1, 4), st.lists(st.integers(1, 500), min_size=1))
def test_no_layout_is_better_than_the_bound_and_each_holds_every_expert(selection, num_ranks, tokens):
    part, sizes, over = (0, len(selection)), np.array(tokens, dtype=np.float64), ExpertRanks(num_ranks)
    loads, bound = PlacedLoads(np.array(selection)), ExpertLoads(np.array(selection)).busiest(part, over, sizes)[0]
    for option in loads.busiest(part, over, sizes):
        for least, ours in zip(bound, option, strict=True):
            assert (ours >= least * (1 - 1e-9)).all()
    for ranks in loads.layouts(part, over, sizes[0]):
        assert sorted(expert for rank in ranks for expert in rank) == list(range(len(selection)))
        assert max(map(len, ranks)) <= -(-len(selection) // num_ranks)


@settings(max_examples=100)
@given(WEIGHTS, st.integers(1, 4))
def test_balanced_ranks_are_no_fuller_than_dealt_ones(weights, num_ranks):
    array = np.array(weights, dtype=np.float64)
    fullest, dealt = (
        max(array[list(rank)].sum() for rank in make(array, num_ranks)) for make in (balanced_experts, deal_experts)
    )
    assert fullest <= dealt
    assert fullest >= least_fullest(weights, num_ranks, -(-len(weights) // num_ranks)) - 1e-9


def test_layers_of_the_same_routing_share_their_layouts(searched):
    cost = searched["layers"].searcher.placed_cost
    by_layer = {entry.layers[0]: loads for entry, loads in zip(cost.classes, cost.loads, strict=True) if loads}
    assert by_layer[3] is by_layer[4]
    assert by_layer[2] is not by_layer[3]
    assert len({id(loads) for loads in by_layer.values()}) == 2
