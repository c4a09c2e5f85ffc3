"""Rate, variation and dispersion of arrivals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.traffic.arrivals import WINDOW_S, measure_arrivals


def _measure(*times):
    return measure_arrivals(np.array(times, dtype=np.float64))


def test_one_arrival_tells_no_rate():
    arrivals = _measure(17.0)
    assert arrivals.span_s == 0
    assert arrivals.rate_per_s is arrivals.interarrival_cv is arrivals.dispersion_index is None


def test_arrivals_at_once_tell_no_rate():
    assert _measure(3.0, 3.0, 3.0).rate_per_s is None


def test_two_arrivals_tell_a_rate_and_no_variation():
    arrivals = _measure(10.0, 14.0)
    assert (arrivals.rate_per_s, arrivals.interarrival_cv) == (0.25, None)


def test_a_clock_has_no_variation_and_no_dispersion():
    arrivals = measure_arrivals(np.arange(0.0, 1201.0, 2.0))
    assert arrivals.rate_per_s == pytest.approx(0.5)
    assert arrivals.interarrival_cv == pytest.approx(0.0)
    assert (arrivals.dispersion_index, arrivals.dispersion_window_s) == (pytest.approx(0.0), WINDOW_S)


def test_dispersion_by_hand():
    # Ten windows, thirty arrivals in the first, none in the others but the last moment, which is in no whole window.
    arrivals = _measure(*range(30), 10 * WINDOW_S)
    assert arrivals.dispersion_index == pytest.approx((27**2 + 9 * 3**2) / 10 / 3)


def test_too_short_a_trace_tells_no_dispersion():
    arrivals = measure_arrivals(np.linspace(0, 10 * WINDOW_S - 1, 50))
    assert arrivals.dispersion_index is arrivals.dispersion_window_s is None


def test_a_poisson_process_has_both_at_one():
    gaps = np.random.default_rng(7).exponential(0.5, 200_000)
    arrivals = measure_arrivals(np.cumsum(gaps))
    assert arrivals.interarrival_cv == pytest.approx(1, abs=0.02)
    assert arrivals.dispersion_index == pytest.approx(1, abs=0.1)


@given(times=st.lists(st.integers(0, 10**5), min_size=3, max_size=50), shift=st.integers(0, 10**6))
def test_the_origin_of_time_does_not_matter(times, shift):
    here, there = _measure(*times), _measure(*(time + shift for time in times))
    assert here == there


def test_centuries_without_requests_cost_no_memory():
    arrivals = _measure(0.0, 1.0, 9e9)
    assert arrivals.dispersion_index == pytest.approx(2, rel=1e-6)
