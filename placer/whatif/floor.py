"""What is proven at some values of a figure, carried over to others."""

from __future__ import annotations

import math
from collections.abc import Sequence

from placer.whatif.knob import Effect, Knob


def floor_at(knob: Knob, value: float, proven: Sequence[tuple[float, float]]) -> float:
    """Return what no plan costs less than at a value of a figure, by what is proven at others.

    A bound holds at all values that make every plan dearer. Where the cost of every plan is linear in the figure, the
    cost at a value between two others is at least the same mean of their bounds.

    Parameters
    ----------
    knob
        The figure.
    value
        Where the floor is wanted.
    proven
        Values, and what no plan costs less than there; inf where there is none.

    Returns
    -------
    float
        0 where nothing is known.
    """
    if knob.effect is Effect.OPEN:
        return 0.0
    worse = 1.0 if knob.effect is Effect.RISES else -1.0
    finite = [(at, least) for at, least in proven if math.isfinite(least)]
    floors = [least for at, least in finite if worse * (value - at) >= 0.0]
    if knob.is_linear:
        floors += [
            least_low + (value - low) / (high - low) * (least_high - least_low)
            for low, least_low in finite
            for high, least_high in finite
            if low < value < high
        ]
    return max(floors, default=0.0)
