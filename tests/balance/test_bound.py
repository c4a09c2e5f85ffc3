"""No bound is above what brute force finds, and each bites where it should."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.balance.bound import _bound_of_heaviest, forced_counts, least_weight, load_bound
from placer.balance.patterns import Items, best_pattern, pattern_bound
from tests.balance.brute import least_max_load, max_load, placements
from tests.balance.cases import README, small_layers


@given(small_layers())
def test_counting_is_never_above_the_optimum(case):
    loads, ranks, room = case
    assert load_bound(loads, ranks, ranks * room) <= least_max_load(loads, ranks, room) * (1 + 1e-9)


@given(small_layers())
@settings(max_examples=60)
def test_patterns_are_never_above_the_optimum(case):
    loads, ranks, room = case
    best = least_max_load(loads, ranks, room)
    found = pattern_bound(loads, ranks, ranks * room, float(loads.sum()) / ranks, 2 * best + 1)
    assert found <= best * (1 + 1e-9) + 1e-9


@given(small_layers(), st.floats(1.0, 2.0))
def test_forced_counts_hold_in_every_placement_below_the_target(case, slack):
    loads, ranks, room = case
    target = least_max_load(loads, ranks, room) * slack + 1e-6
    counts = forced_counts(loads, ranks, ranks * room, target)
    assert counts is not None
    for placement in placements(len(loads), ranks, room):
        if max_load(loads, placement) <= target:
            slots = [expert for content in placement for expert in content]
            assert all(slots.count(expert) >= count for expert, count in enumerate(counts))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(1, 3), st.integers(0, 3), st.integers(1, 40))
def test_least_weight_is_not_above_that_of_any_choice(loads, wanted, extras, ceiling):
    loads = np.array(sorted(loads), dtype=float)
    least = np.maximum(np.ceil(loads / ceiling), 1).astype(int)
    weights = [
        sum(loads[expert] / counts[expert] for expert in chosen)
        for more in product(range(extras + 1), repeat=len(loads))
        if sum(more) <= extras
        for counts in [least + np.array(more)]
        for chosen in combinations_with_replacement(range(len(loads)), wanted)
        if all(chosen.count(expert) <= counts[expert] for expert in chosen)
    ]
    singles = loads[least == 1]
    split = float(ceiling) if len(singles) < len(loads) else np.inf
    assert least_weight(singles, wanted, extras, split) <= min(weights, default=np.inf) + 1e-9


@pytest.mark.parametrize("extras", [0, 1, 5, 30])
def test_least_weight_falls_with_extras(extras):
    loads = np.arange(1.0, 40.0)
    assert least_weight(loads, 39, extras) >= least_weight(loads, 39, extras + 1)
    assert least_weight(loads, 39, 0) == loads.sum()


@given(small_layers())
def test_the_heaviest_are_never_above_the_optimum_without_extras(case):
    loads, ranks, room = case
    loads = np.resize(loads, ranks * room) if ranks * room <= 6 else np.arange(1.0, ranks * room + 1)[:6]
    if len(loads) == ranks * room:
        assert _bound_of_heaviest(loads, ranks) <= least_max_load(loads, ranks, room) * (1 + 1e-12)


@given(
    st.lists(st.tuples(st.integers(1, 2_500), st.integers(1, 3), st.floats(0, 1)), min_size=1, max_size=5),
    st.integers(1, 3),
)
@settings(max_examples=50)
def test_the_best_pattern_is_the_best(options, room):
    weight, replicas, value = (np.array(column) for column in zip(*options, strict=True))
    best, pattern = best_pattern(value.astype(float), Items(np.arange(len(weight)), replicas, weight), room)
    worth = [
        sum(number * each for number, each in zip(numbers, value, strict=True))
        for numbers in product(range(room + 1), repeat=len(weight))
        if sum(numbers) <= room
        and all(number <= most for number, most in zip(numbers, replicas, strict=True))
        and sum(number * each for number, each in zip(numbers, weight, strict=True)) <= 2_000
    ]
    assert best == pytest.approx(max(worth))
    assert float(pattern @ value) == pytest.approx(best)
    assert pattern.sum() <= room


def test_patterns_see_what_the_mean_does_not():
    loads = np.array(README[1], dtype=float)
    assert load_bound(loads, 8, 16) == 144.5
    # 172 is optimal: below it four experts must be split. Eleven replicas then weigh 78.5 or more, and eight ranks hold
    # them in three pairs at least; the six lightest weigh 169.5 a pair.
    assert 169.5 < pattern_bound(loads, 8, 16, 144.5, 172.0) <= 172.0


def test_an_expert_hotter_than_its_share_is_bounded_with_its_companions():
    assert load_bound(np.array([100.0, 4.0, 3.0, 2.0, 1.0, 1.0]), 2, 6) == pytest.approx(102.0)
