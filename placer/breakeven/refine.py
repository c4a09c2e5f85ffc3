"""Narrowing two values with different answers to where the answer changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from placer.whatif.break_even import Flip, Probe
from placer.whatif.knob import Knob
from placer.whatif.verdict import Decision

#: Share of the precision by which a guess must differ from what is known, or halving is better.
CLEAR = 0.1
#: Solves values of one figure, and keeps them; returns all probes of it so far.
Solve = Callable[[Sequence[float]], list[Probe]]
#: Values worth trying between two probes, the most promising first.
Guess = Callable[[Probe, Probe], Sequence[float]]


def no_guess(low: Probe, high: Probe) -> Sequence[float]:  # noqa: ARG001 the signature is that of a guess
    """Return nothing: halve."""
    return ()


def refine(
    probes: Sequence[Probe], knob: Knob, precision: float, solve: Solve, most: int, guess: Guess = no_guess
) -> tuple[list[Probe], bool]:
    """Solve more values until every change of the answer lies between two that are close together.

    Parameters
    ----------
    probes
        Known ones, at least one.
    knob
        The figure; whole numbers are not halved further than they go.
    precision
        Close is ``high <= (1 + precision) low``. Where answers are undecided in between, both edges are narrowed.
    solve
        Solves values.
    most
        Values to solve at most.
    guess
        Where to look first.

    Returns
    -------
    tuple
        All probes by rising value, and whether the precision was reached everywhere.
    """
    known, left = sorted(probes, key=_value), most
    while True:
        wide = [(low, high) for low, high in _edges(known) if not _is_close(low, high, knob, precision)]
        if not wide:
            return known, True
        if left <= 0:
            return known, False
        margin = 1.0 + CLEAR * precision
        wanted = [value for low, high in wide for value in _between(low, high, knob, guess, margin)]
        fresh = [value for value in dict.fromkeys(wanted) if value not in {one.value for one in known}][:left]
        if not fresh:
            return known, False
        known = sorted(solve(fresh), key=_value)
        left -= len(fresh)


def flips_of(probes: Sequence[Probe], precision: float) -> tuple[Flip, ...]:
    """Return where decided answers change, by rising value."""
    ordered = sorted(probes, key=_value)
    decided = [probe for probe in ordered if probe.decision is not Decision.UNDECIDED]
    flips = []
    for low, high in pairwise(decided):
        if low.decision is not high.decision:
            width = high.value / low.value - 1.0 if low.value else math.inf
            open_ = tuple(one.value for one in ordered if low.value < one.value < high.value)
            # A flip over undecided values is as precise as the gaps allow, not as was asked.
            is_precise = not open_ and width <= precision * (1.0 + 1e-9)
            width = min(width, 1e300)
            flips.append(Flip(low=low, high=high, undecided=open_, is_precise=is_precise, relative_width=width))
    return tuple(flips)


def _edges(known: Sequence[Probe]) -> list[tuple[Probe, Probe]]:
    """Return neighbours with different answers."""
    return [(low, high) for low, high in pairwise(known) if low.decision is not high.decision]


def _is_close(low: Probe, high: Probe, knob: Knob, precision: float) -> bool:
    if knob.is_whole and high.value - low.value <= 1.0:
        return True
    return high.value <= low.value * (1.0 + precision) if low.value else False


def _between(low: Probe, high: Probe, knob: Knob, guess: Guess, margin: float) -> list[float]:
    guesses = [value for value in guess(low, high) if low.value * margin < value < high.value / margin]
    middle = math.sqrt(low.value * high.value) if low.value else high.value / 4.0
    return [knob.clipped(value) for value in guesses or [middle]]


def _value(probe: Probe) -> float:
    return probe.value
