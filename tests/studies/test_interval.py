"""Intervals say no more than is proven."""

import math

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.studies.interval import Interval

FIGURES = st.floats(1e-6, 1e6)


def _interval(ends):
    return Interval(low=min(ends), high=max(ends))


PAIRS = st.tuples(FIGURES, FIGURES).map(_interval)
SHARES = st.floats(0.0, 1.0)


def _inside(interval, share):
    return min(max(interval.low + share * (interval.high - interval.low), interval.low), interval.high)


@given(PAIRS, PAIRS, SHARES, SHARES)
def test_a_ratio_of_figures_inside_lies_in_the_ratio_of_intervals(first, second, one, other):
    ratio = first.over(second)
    value = _inside(first, one) / _inside(second, other)
    assert ratio.low * (1 - 1e-12) <= value <= ratio.high * (1 + 1e-12)


@given(PAIRS, SHARES, FIGURES, FIGURES)
def test_what_is_said_of_an_interval_holds_for_all_in_it(interval, share, threshold, other):
    value = _inside(interval, share)
    low, high = min(threshold, other), max(threshold, other)
    assert interval.exceeds(threshold) in {None, value > threshold}
    assert interval.below(threshold) in {None, value < threshold}
    assert interval.lies_in(low, high) in {None, low <= value <= high}


def test_infinite_figures():
    none, some = Interval(low=math.inf, high=math.inf), Interval(low=1, high=2)
    assert none.over(some) == Interval(low=math.inf, high=math.inf)
    assert some.over(none) == Interval(low=0, high=0)
    assert none.over(none) == Interval(low=0, high=math.inf)
    assert none.over(some).exceeds(1e9) is True
    assert none.over(none).exceeds(1) is None
    assert some.over(Interval(low=0, high=math.inf)) == Interval(low=0, high=math.inf)
