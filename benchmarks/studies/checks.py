"""Statements about answers that proofs settle: what costs more than what, what fits, what is in reach."""

from __future__ import annotations

import math

from benchmarks.studies import render
from benchmarks.studies.claim import Check
from benchmarks.studies.interval import Interval
from benchmarks.studies.record import Record

#: Prices closer than this are alike: less than the gaps that searches are asked for leave open.
ALIKE = 1.05


def costs_more(what: str, dear: Record, cheap: Record, threshold: float = ALIKE) -> Check:
    """Return whether one optimum is more than a number of times another.

    Parameters
    ----------
    what
        The statement.
    dear, cheap
        Answers whose optima are compared; both of decode alone, or both of whole services of equal lengths.
    threshold
        How many times as much.
    """
    ratio = _ratio(dear, cheap)
    return Check(what=what, figure=render.times(ratio), holds=ratio.exceeds(threshold))


def costs_no_more(what: str, first: Record, other: Record, threshold: float = ALIKE) -> Check:
    """Return whether an optimum is at most a number of times another."""
    ratio = _ratio(first, other)
    more = ratio.exceeds(threshold)
    return Check(what=what, figure=render.times(ratio), holds=None if more is None else not more)


def _ratio(first: Record, other: Record) -> Interval:
    """Return the ratio of two optima; nothing is known where one is per request and the other per output token."""
    units = {record.usd_per_request is None for record in (first, other) if record.is_planned}
    return Interval(low=0.0, high=math.inf) if len(units) > 1 else first.optimum.over(other.optimum)


def is_within(what: str, ratio: Interval, low: float, high: float) -> Check:
    """Return whether a ratio lies between two figures."""
    return Check(what=what, figure=render.times(ratio), holds=ratio.lies_in(low, high))


def fits(what: str, record: Record) -> Check:
    """Return whether there is a plan at all."""
    if record.is_planned:
        return Check(what=what, figure=f"a plan on {render.devices(record)}", brief="a plan", holds=True)
    is_proven = record.status in {"infeasible", "refused"}
    brief = "no plan" if is_proven else "not known"
    return Check(what=what, figure=record.reason or brief, brief=brief, holds=False if is_proven else None)


def does_not_fit(what: str, record: Record) -> Check:
    """Return whether it is proven that there is no plan."""
    found = fits(what, record)
    return found.model_copy(update={"holds": None if found.holds is None else not found.holds})


def reported(what: str, figure: str, holds: bool | None) -> Check:  # noqa: FBT001 a value, no switch
    """Return what certified plans themselves say, such as where their layers lie: no bound is asked."""
    return Check(what=what, figure=figure, holds=holds, is_proven=False)
