"""Which values of a figure are solved, and which need not be."""

from __future__ import annotations

from placer.plan.plan import Status
from placer.whatif.knob import Effect, Knob
from placer.whatif.verdict import Side


def values_around(knob: Knob, change: float) -> tuple[float | None, float | None]:
    """Return the values below and above the present one; None where it cannot be turned that way.

    Parameters
    ----------
    knob
        The figure.
    change
        Relative, or a share of ``zero_step`` where the present value is 0.
    """
    if knob.value == 0.0:
        step = None if knob.zero_step is None else knob.clipped(change * knob.zero_step)
        return None, step or None
    low, high = (knob.clipped(knob.value * factor) for factor in (1.0 - change, 1.0 + change))
    return (low if low < knob.value else None), (high if high > knob.value else None)


def is_deduced(knob: Knob, value: float, side: Side) -> bool:
    """Return whether an answer stays as it is, and its bound as well, at another value of a figure.

    So it is where its plan does not depend on the figure, or there is no plan, and no plan gets cheaper by the change.

    Parameters
    ----------
    knob, value
        The figure, and what it is changed to.
    side
        The answer at the present value.
    """
    worse = {Effect.RISES: value > knob.value, Effect.FALLS: value < knob.value, Effect.OPEN: False}[knob.effect]
    if side.status is Status.UNDECIDED:
        return False
    return worse and (side.status is Status.INFEASIBLE or not knob.matters_to(frozenset(side.devices)))
