"""The only place where floats become integers for CP-SAT, always against the plan.

Times are picoseconds, rounded up; bytes are bytes, rounded up, capacities down. A sum of ``n`` rounded times is too
large by less than ``n`` picoseconds, so a bound lowered by that much holds for the unrounded times.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from placer.errors import InternalError

PICOSECONDS_PER_SECOND = 10**12
_LARGEST = 2**55

Integers = NDArray[np.int64]


def time_up(seconds: float) -> int:
    """Return picoseconds, rounded up.

    >>> time_up(1e-12), time_up(1.1e-12)
    (1, 2)
    """
    return _checked(math.ceil(seconds * PICOSECONDS_PER_SECOND * (1.0 - 1e-15)))


def times_up(seconds: NDArray[np.float64]) -> Integers:
    """Return an array of picoseconds, rounded up."""
    return _checked_array(np.ceil(seconds * PICOSECONDS_PER_SECOND * (1.0 - 1e-15)))


def bytes_up(volume: NDArray[np.float64]) -> Integers:
    """Return an array of bytes, rounded up."""
    return _checked_array(np.ceil(volume))


def capacity_down(volume: float) -> int:
    """Return a capacity in bytes, rounded down; negative room counts as none at all."""
    return _checked(math.floor(volume))


def seconds(picoseconds: int) -> float:
    """Return picoseconds as seconds."""
    return picoseconds / PICOSECONDS_PER_SECOND


def lowered(picoseconds: int, num_terms: int) -> float:
    """Return a proven integer bound as seconds, lowered by all that rounding may have added."""
    return max(0, picoseconds - num_terms) / PICOSECONDS_PER_SECOND


def _checked(value: int) -> int:
    if abs(value) > _LARGEST:
        raise InternalError(f"{value} is too large to be summed in 64 bits")
    return value


def _checked_array(values: NDArray[np.float64]) -> Integers:
    if np.abs(values).max(initial=0.0) > _LARGEST:
        raise InternalError(f"{np.abs(values).max():.3g} is too large to be summed in 64 bits")
    integers = values.astype(np.int64)
    integers.setflags(write=False)
    return integers
