"""A layer whose experts are dealt anew, as the models of moves see it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Held = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: The target in quanta: loads are rounded down to them, so that what is proven holds. A search is faster with coarse
#: ones.
FINE, COARSE = 10_000_000, 100_000


class Layer(Protocol):
    """What is asked of a layer; see `placer.replan.assignment.Problem`."""

    @property
    def old(self) -> Held:
        """What ranks hold now, shape (ranks, experts)."""

    @property
    def loads(self) -> Floats:
        """Load of every expert, shape (experts,)."""

    @property
    def slots(self) -> int:
        """Experts a rank has room for."""

    @property
    def most_copies(self) -> int:
        """Copies an expert may have."""


def quantized(loads: Floats, target: float, quanta: int) -> Integers:
    """Return loads in quanta of a target, rounded down, shape (experts,)."""
    quantum = target / quanta if target > 0 else 1.0
    return np.asarray(loads / quantum).astype(np.int64)
