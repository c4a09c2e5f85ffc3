"""What one figure does to the price and the decision, from the certified answers around it."""

from __future__ import annotations

import math
from itertools import combinations

from placer.whatif.knob import Knob
from placer.whatif.sensitivity import Point, Turned
from placer.whatif.verdict import EQUAL, Decision, Side

#: A side and whether the pool in question pays there; None where none is followed.
Judged = tuple[Side, Decision | None]


def point(value: float, at: Judged, base: Judged, *, is_deduced: bool) -> Point:
    """Return a changed value with what it does, compared with the scenario as it stands."""
    (side, decision), (before, decision_before) = at, base
    relative = side.usd / before.usd if side.usd is not None and before.usd else None
    return Point(
        value=value,
        side=side,
        is_deduced=is_deduced,
        decision=decision,
        relative_cost=relative,
        changes=_changes(at, base),
        is_change_proven=_is_proven(side, decision, decision_before),
        is_significant=not _overlap(side, before),
    )


def _changes(at: Judged, base: Judged) -> tuple[str, ...]:
    (side, decision), (before, decision_before) = at, base
    changes = []
    if side.usd is None:
        return (f"{side.status}",)
    pools, pools_before = sorted(side.devices), sorted(before.devices)
    if pools != pools_before:
        changes.append(f"on {' + '.join(pools)}")
    if side.mode != before.mode:
        changes.append(side.mode)
    if decision is not decision_before and decision is not None:
        changes.append({Decision.UNDECIDED: "worth undecided"}.get(decision, str(decision)))
    return tuple(changes)


def _is_proven(side: Side, decision: Decision | None, before: Decision | None) -> bool:
    """Return whether the decision changes for sure; another plan of about the same cost is no such thing."""
    if math.isinf(side.least):
        return True
    is_open = Decision.UNDECIDED in {decision, before} or None in {decision, before}
    return not is_open and decision is not before


def _overlap(side: Side, before: Side) -> bool:
    """Return whether the least costs may be the same by what is proven of both."""
    slack = 1.0 + EQUAL
    return side.least <= before.most * slack and before.least <= side.most * slack


def turned(knob: Knob, base: Judged, points: tuple[Point | None, Point | None]) -> Turned:
    """Return a figure with its changed values and its elasticity.

    The elasticity is ``(ln c_high - ln c_low) / (ln x_high - ln x_low)`` over the widest pair of values with a plan,
    the present one included; a difference, not a derivative. Its range follows from costs and bounds of both.
    """
    low, high = points
    side, _ = base
    ends = [(one.value, one.side) for one in (low, high) if one is not None and one.side.usd is not None]
    if side.usd is not None:
        ends.append((knob.value, side))
    pairs = [(first, last) for first, last in combinations(sorted(ends, key=lambda one: one[0]), 2) if first[0] > 0.0]
    widest = max(pairs, key=lambda pair: pair[1][0] / pair[0][0], default=None)
    slope, span = (None, None) if widest is None else _slope(*widest)
    return Turned(
        key=knob.key,
        title=knob.title,
        unit=knob.unit,
        present=knob.value,
        figures=knob.figures,
        is_estimate=knob.is_estimate,
        is_used=knob.matters_to(frozenset(side.devices)),
        low=low,
        high=high,
        elasticity=slope,
        elasticity_range=span,
    )


def _slope(first: tuple[float, Side], last: tuple[float, Side]) -> tuple[float | None, tuple[float, float] | None]:
    (x_low, low), (x_high, high) = first, last
    if not low.usd or not high.usd:
        return None, None
    run = math.log(x_high / x_low)
    slope = math.log(high.usd / low.usd) / run
    if not low.least or not high.least:
        return slope, None
    return slope, (math.log(high.least / low.usd) / run, math.log(high.usd / low.least) / run)


def rank(figures: list[Turned]) -> tuple[Turned, ...]:
    """Return figures that the decision hangs on first: proven changes, other ones, then by effect on the cost.

    Effects within the gaps come last: nobody can say they are any.
    """

    def order(one: Turned) -> tuple[bool, bool, bool, float]:
        is_proven = any(point.is_change_proven for point in one.points)
        is_changed = any(point.changes for point in one.points)
        is_real = any(point.is_significant for point in one.points)
        return not is_proven, not is_real, not is_changed, -one.largest_effect

    return tuple(sorted(figures, key=order))
