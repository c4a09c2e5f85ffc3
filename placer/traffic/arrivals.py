"""How often requests come, and how unevenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.traffic.statistics import ArrivalStatistics

#: Long against the three seconds that Mooncake rounds to, short against the hour it lasts [s].
WINDOW_S = 60.0
_FEWEST_WINDOWS = 10


def measure_arrivals(arrival_s: NDArray[np.float64]) -> ArrivalStatistics:
    """Return rate and burstiness of arrivals.

    Parameters
    ----------
    arrival_s
        Times of arrival, in any order [s], shape (num_requests,).
    """
    elapsed_s = np.sort(arrival_s) - arrival_s.min()
    gaps_s, span_s = np.diff(elapsed_s), float(elapsed_s[-1])
    dispersion = _dispersion_index(elapsed_s)
    return ArrivalStatistics(
        span_s=span_s,
        rate_per_s=len(gaps_s) / span_s if span_s else None,
        interarrival_cv=float(gaps_s.std() / gaps_s.mean()) if span_s and len(gaps_s) > 1 else None,
        dispersion_index=dispersion,
        dispersion_window_s=None if dispersion is None else WINDOW_S,
    )


def _dispersion_index(elapsed_s: NDArray[np.float64]) -> float | None:
    """Return variance over mean of the counts in whole windows from the first arrival; None for too few."""
    num_windows = int(elapsed_s[-1] // WINDOW_S)
    if num_windows < _FEWEST_WINDOWS:
        return None
    windows = (elapsed_s // WINDOW_S).astype(np.int64)
    # Windows without arrivals are counted, not stored: a slip in one date must not fill the memory.
    _, counts = np.unique(windows[windows < num_windows], return_counts=True)
    mean = counts.sum() / num_windows
    return float((((counts - mean) ** 2).sum() + (num_windows - len(counts)) * mean**2) / num_windows / mean)
