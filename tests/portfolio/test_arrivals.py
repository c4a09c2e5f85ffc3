"""How many requests arrive in a period: closed forms, and the verifier's own sum."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.portfolio.arrivals import no_arrival, overflow
from placer.portfolio.demand import Arrivals
from placer.verify.portfolio.context import Traffic
from placer.verify.portfolio.turns import _overflow


def test_one_at_a_time_is_poisson():
    exact = 1.0 - math.exp(-2.0) * (1 + 2 + 2)
    assert overflow((Arrivals(0.2, 1),), 10.0, 2) == pytest.approx(exact, rel=1e-12)
    assert no_arrival((Arrivals(0.2, 1), Arrivals(0.1, 5)), 10.0) == pytest.approx(math.exp(-3.0))


def test_pairs_overflow_sooner():
    # Two at a time, 0.5 pairs on average: at most one pair fits room for three.
    assert overflow((Arrivals(0.05, 2),), 10.0, 3) == pytest.approx(1.0 - math.exp(-0.5) * 1.5, rel=1e-12)


def test_more_than_fits_on_average_overflows():
    assert overflow((Arrivals(1.0, 1),), 10.0, 5) == 1.0
    assert overflow((Arrivals(1e6, 1),), 1.0, 10**6 + 10) == 1.0


@given(
    st.lists(st.tuples(st.floats(0.001, 0.5), st.integers(1, 4)), min_size=1, max_size=3),
    st.floats(0.1, 10.0),
    st.integers(1, 40),
)
def test_the_verifier_convolves_to_the_same(groups, period_s, room):
    mean = sum(rate * size for rate, size in groups) * period_s
    planned = overflow(tuple(Arrivals(rate, size) for rate, size in groups), period_s, room)
    own = _overflow(Traffic(1.0, 1.0, tuple(groups), 1, 1), period_s, room)
    assert planned == pytest.approx(own, abs=1e-9) if mean <= room else planned == 1.0


def test_room_for_many_costs_nothing():
    # A replica may have room for a hundred thousand users; a hundred thousand terms would not change the answer.
    assert overflow((Arrivals(0.1, 1), Arrivals(0.01, 4)), 60.0, 10**8) == pytest.approx(0.0, abs=1e-12)
    assert _overflow(Traffic(1.0, 1.0, ((0.1, 1), (0.01, 4)), 1, 1), 60.0, 10**8) == pytest.approx(0.0, abs=1e-12)
