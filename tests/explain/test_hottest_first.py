"""Where structure gives the best choice of experts: the hottest first, held against every subset."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.cost.expert_load import touched_probability
from placer.explain.hot import explain_hot
from placer.explain.hot_choice import chosen, hottest, routed
from placer.plan.hot import HotLimit
from placer.scenario.routing import RoutingKind, RoutingProfile
from placer.verify.recompute.figures import step_time_s

EXPERTS = 5
COUNTS = st.lists(st.integers(1, 100), min_size=EXPERTS, max_size=EXPERTS)


def first(number):
    """Choose so many of the hottest."""
    return lambda selection, _: hottest(selection, list(range(number)))


def step_s(context, choice):
    changed = chosen(context, choice)
    return step_time_s(changed.flow, changed.replica)


def least_s(context, number):
    """Brute force: the shortest step of any subset of as many experts."""
    subsets = combinations(range(EXPERTS), number)
    return min(step_s(context, lambda *_, subset=subset: list(subset)) for subset in subsets)


@pytest.fixture(scope="module")
def fast(paying):
    """A layer of five experts split over a host and a chip ten times as fast behind a free link."""
    context = paying((60, 20, 10, 5, 5), parts=EXPERTS, hbm="4 kB")
    assert len(explain_hot(context).rows) == 1
    return context


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=7), st.data(), st.integers(1, 300))
def test_no_subset_saves_more_traffic(selection, data, tokens):
    # touched(p) = 1 - (1 - p)^b rises with p, so sorting and cutting is optimal, for every batch.
    array, size = np.array(selection), data.draw(st.integers(1, len(selection) - 1))
    touched = touched_probability(array, np.array([float(tokens)]))[0]
    saved = touched[hottest(array, list(range(size)))].sum()
    most = max(touched[list(subset)].sum() for subset in combinations(range(len(array)), size))
    assert saved == pytest.approx(most)


@settings(max_examples=60)
@given(COUNTS, st.integers(1, EXPERTS - 1))
def test_no_subset_is_faster_as_long_as_the_host_is_waited_for(fast, counts, number):
    context = routed(fast, RoutingProfile(kind=RoutingKind.COUNTS, counts=counts))
    ours = chosen(context, first(number))
    (row,) = explain_hot(ours).rows
    assert row.hot == number
    if row.hot_s + row.link_s <= row.cold_s:
        assert step_time_s(ours.flow, ours.replica) == pytest.approx(least_s(context, number))


def test_where_the_sidecar_is_waited_for_colder_experts_can_be_faster(paying):
    # The chip is as slow as the host: of 192 B the two hottest take 0.8 there, experts 0 and 3 take 0.65.
    context = paying((60, 20, 10, 5, 5), bandwidth="1880 B/s", parts=EXPERTS, hbm="4 kB")
    (row,) = explain_hot(chosen(context, first(2))).rows
    assert row.limit is HotLimit.HOT
    gained = step_s(context, first(2)) - least_s(context, 2)
    assert gained == pytest.approx((0.8 - 0.65) * 192 / 1880)
