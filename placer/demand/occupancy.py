"""How many slots hold the requests in service in all but one of a hundred moments."""

from __future__ import annotations

import math

import numpy as np

#: Standard deviations of a window outside of which a Poisson law has no weight that a double could hold.
_WINDOW = 12.0
#: Against the rounding of sums over the window: a percentile is never taken for reached by it.
_ROUNDING = 1e-12


def slots_needed(mean_users: float, percentile: float, peakedness: float = 1.0) -> int:
    """Return the fewest slots that hold the requests in service with a given probability.

    Each request takes a slot for its residence, and none waits (M/G/infinity): in service is a Poisson number with
    mean ``arrivals x residence``, whatever the law of residences. Where arrivals are burstier, by Hayward's
    approximation (Fredericks, Bell System Technical Journal 59(6), 1980) ``z`` times the slots of a load of ``1/z``.
    Slots are always more than the mean: with as many, or fewer, a queue would grow without end.

    Parameters
    ----------
    mean_users
        Arrivals times residence.
    percentile
        Probability with which the slots suffice, in (0, 1).
    peakedness
        Variance over mean of the requests in service, ``z``; 1 for Poisson arrivals.

    Returns
    -------
    int
        0 where nobody comes, else above the mean.

    Examples
    --------
    P(N <= 4) = 0.9963 and P(N <= 3) = 0.981 of a Poisson number with mean 1:

    >>> slots_needed(1.0, 0.99)
    4
    """
    if mean_users == 0:
        return 0
    at_percentile = peakedness * _poisson_quantile(mean_users / peakedness, percentile)
    return max(math.ceil(at_percentile * (1 - _ROUNDING)), math.floor(mean_users) + 1)


def greatest_mean_users(slots: int, percentile: float, peakedness: float = 1.0) -> float:
    """Return the greatest mean of requests in service that slots hold, by bisection and rounded down."""
    low, high = 0.0, float(slots)
    for _ in range(50):
        middle = (low + high) / 2
        fits = slots_needed(middle, percentile, peakedness) <= slots
        low, high = (middle, high) if fits else (low, middle)
    return low


def _poisson_quantile(mean: float, percentile: float) -> int:
    """Return the least number that a Poisson number does not exceed with a probability."""
    width = _WINDOW * math.sqrt(mean) + 40
    least, most = max(0, math.floor(mean - width)), math.ceil(mean + width)
    numbers = np.arange(least + 1, most + 1, dtype=np.float64)
    logarithms = np.concatenate(([0.0], np.cumsum(math.log(mean) - np.log(numbers))))
    weights = np.exp(logarithms - logarithms.max())
    reached = np.cumsum(weights) / weights.sum()
    return least + int(np.searchsorted(reached, min(percentile + _ROUNDING, float(reached[-1]))))
