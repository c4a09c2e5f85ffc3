"""Figures, tables and sections as Markdown, from records alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.studies.interval import Interval
from benchmarks.studies.record import Record, rounded_down, rounded_up

#: Digits of figures that people read.
DIGITS = 4


def up(value: float) -> str:
    """Return a figure, rounded up.

    >>> up(0.123412), up(12345.6), up(2.0)
    ('0.1235', '12,350', '2')
    """
    return _plain(rounded_up(value, DIGITS))


def down(value: float) -> str:
    """Return a figure, rounded down.

    >>> down(0.123487), down(math.inf)
    ('0.1234', 'no end')
    """
    return _plain(rounded_down(value, DIGITS))


def _plain(value: float) -> str:
    if math.isinf(value):
        return "no end"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{DIGITS}g}"


def times(ratio: Interval) -> str:
    """Return a ratio as far as it is proven.

    >>> times(Interval(low=1.5, high=2.25)), times(Interval(low=3, high=math.inf)), times(Interval(low=0, high=2))
    ('1.5 to 2.25 times', 'at least 3 times', 'at most 2 times')
    """
    if ratio.low == 0.0 and math.isinf(ratio.high):
        return "any number of times"
    if math.isinf(ratio.low):
        return "no plan at all"
    if math.isinf(ratio.high):
        return f"at least {rounded_down(ratio.low, 3):.3g} times"
    if ratio.low == 0.0:
        return f"at most {rounded_up(ratio.high, 3):.3g} times"
    low, high = f"{rounded_down(ratio.low, 3):.3g}", f"{rounded_up(ratio.high, 3):.3g}"
    return f"{low} times" if low == high else f"{low} to {high} times"


def usd(record: Record) -> str:
    """Return the price of a plan, or why there is none."""
    if record.price is None:
        return {"infeasible": "proven to have no plan", "undecided": "none found"}.get(record.status, record.status)
    unit = "M tokens" if record.usd_per_request is None else "request"
    return f"${up(record.price)} / {unit}"


def bound(record: Record) -> str:
    """Return what no plan can beat."""
    return "" if record.bound is None or not record.is_planned else f"${down(record.bound)}"


def gap(record: Record) -> str:
    """Return the gap between price and bound."""
    return "" if record.gap is None or not record.is_planned else f"{100 * rounded_up(record.gap, 3):.2g} %"


def devices(record: Record) -> str:
    """Return rented devices by pool."""
    return ", ".join(f"{number:,} {pool}" for pool, number in record.devices.items())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return lines of a table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return lines + [f"| {' | '.join(cell.replace('|', ';') for cell in row)} |" for row in rows]


def estimates(records: Iterable[Record]) -> str:
    """Return the guessed figures behind plans, by device and link."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for owner, figures in record.estimates.items():
            found.setdefault(owner, {}).update(dict.fromkeys(figures))
    return "; ".join(f"{owner}: {', '.join(sorted(figures))}" for owner, figures in sorted(found.items()))
