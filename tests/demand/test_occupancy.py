"""Slots that hold the requests in service, against the exact law and against simulated arrivals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from placer.demand.occupancy import greatest_mean_users, slots_needed


@pytest.mark.parametrize("mean", [0.001, 0.3, 1.0, 7.7, 100.0, 12_345.6, 1e6])
@pytest.mark.parametrize("percentile", [0.5, 0.9, 0.99, 0.9999])
def test_poisson_arrivals_have_a_poisson_number_in_service(mean, percentile):
    assert slots_needed(mean, percentile) == max(stats.poisson.ppf(percentile, mean), math.floor(mean) + 1)


def test_nobody_needs_no_slot():
    assert slots_needed(0.0, 0.99) == 0


def in_service(arrivals_s, residences_s, times_s):
    """Return how many are in service at every time."""
    began = np.searchsorted(np.sort(arrivals_s), times_s, side="right")
    left = np.searchsorted(np.sort(arrivals_s + residences_s), times_s, side="right")
    return began - left


def simulated_p99(mean, draw_residence_s, burst=1, seed=5):
    """Return the 99th percentile of the requests in service; residences have mean 1 s, bursts arrive at once."""
    random = np.random.default_rng(seed)
    num_bursts = 600_000 // burst
    bursts_s = np.cumsum(random.exponential(burst / mean, num_bursts))
    arrivals_s = np.repeat(bursts_s, burst)
    times_s = np.arange(0.1 * bursts_s[-1], 0.9 * bursts_s[-1], 0.25)
    return np.quantile(in_service(arrivals_s, draw_residence_s(random, len(arrivals_s)), times_s), 0.99)


@pytest.mark.parametrize(
    "draw_residence_s",
    [lambda _, number: np.ones(number), lambda random, number: random.lognormal(-0.5, 1.0, number)],
    ids=["alike", "lognormal"],
)
def test_the_law_of_residences_does_not_matter(draw_residence_s):
    assert simulated_p99(40.0, draw_residence_s) == pytest.approx(slots_needed(40.0, 0.99), abs=1.0)


def test_bursts_need_more_slots_as_hayward_says():
    # Bursts of k at once with exponential residences: variance over mean of those in service is 1 + (k - 1) / 2.
    burst, mean = 5, 60.0
    found = simulated_p99(mean, lambda random, number: random.exponential(1.0, number), burst)
    assert slots_needed(mean, 0.99, peakedness=1 + (burst - 1) / 2) == pytest.approx(found, rel=0.05)
    assert slots_needed(mean, 0.99) < 0.9 * found


@given(mean=st.floats(1e-6, 1e5), more=st.floats(1, 3), percentile=st.floats(0.5, 0.9999))
def test_more_requests_never_need_fewer_slots(mean, more, percentile):
    assert slots_needed(mean * more, percentile) >= slots_needed(mean, percentile)


@given(mean=st.floats(1e-6, 1e4), percentile=st.floats(0.5, 0.99), peakedness=st.floats(1, 20))
def test_slots_are_more_than_the_mean_and_grow_with_peakedness(mean, percentile, peakedness):
    assert slots_needed(mean, percentile, peakedness) > mean
    assert slots_needed(mean, 0.99, peakedness) >= slots_needed(mean, 0.99) - peakedness


@given(slots=st.integers(1, 2000), peakedness=st.sampled_from([1.0, 2.0, 7.5]))
def test_the_greatest_mean_fits_and_no_greater_one_does(slots, peakedness):
    mean = greatest_mean_users(slots, 0.99, peakedness)
    assert slots_needed(mean, 0.99, peakedness) <= slots
    assert slots_needed(mean * (1 + 1e-9) + 1e-9, 0.99, peakedness) > slots
