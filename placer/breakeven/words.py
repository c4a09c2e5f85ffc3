"""The answer along one figure in words: what is proven, where, and what is left open."""

from __future__ import annotations

from placer.whatif.break_even import BreakEven, Flip, Outcome, Probe
from placer.whatif.knob import Unit, format_value
from placer.whatif.verdict import Decision

#: Values without an answer that are named.
MOST_VALUES = 4


def words(found: BreakEven, pool: str, saving: float) -> str:
    """Return the answer in one or two sentences.

    Parameters
    ----------
    found
        What was found along a figure.
    pool, saving
        The pool in question, and what it must save.
    """
    if not found.probes:
        return ""
    says = {
        Decision.PAYS: f"{pool} pays",
        Decision.DOES_NOT_PAY: f"{pool} saves {_no_more_than(saving)}",
        Decision.NO_PLAN: "there is no plan at all",
        Decision.UNDECIDED: "the gaps leave it open",
    }
    if found.outcome is Outcome.BRACKETED:
        return "; ".join(_flip(flip, found, says) for flip in found.flips) + _rest(found)
    low, high = found.probes[0], found.probes[-1]
    span = _at(low, found.unit) if low is high else f"{_range(low.value, high.value, found.unit)}"
    if found.outcome is Outcome.UNDECIDED:
        return f"undecided: {_list(found, says)}"
    head = f"{says[low.decision]} at every value tried, {span}"
    if found.is_threshold:
        return f"{head}, so nor between them" if found.outcome is Outcome.NEVER else f"{head}, and between them"
    return f"{head}; between them nothing is proven"


def _flip(flip: Flip, found: BreakEven, says: dict[Decision, str]) -> str:
    unit, low, high = found.unit, flip.low, flip.high
    up_to, from_on = ("up to", "from") if found.is_threshold else ("at", "at")
    on = " on" if found.is_threshold else ""
    text = f"{says[low.decision]} {up_to} {_at(low, unit)}, and {from_on} {_at(high, unit)}{on} {says[high.decision]}"
    if flip.undecided:
        at = ", ".join(format_value(value, unit) for value in flip.undecided[:MOST_VALUES])
        more = " and others" if len(flip.undecided) > MOST_VALUES else ""
        return f"{text}; in between it is open, at {at}{more} the gaps are too wide"
    return text if flip.is_precise else f"{text}; not narrowed further in the values allowed"


def _rest(found: BreakEven) -> str:
    return "" if found.is_threshold else "; between values of the grid that agree nothing is proven"


def _list(found: BreakEven, says: dict[Decision, str]) -> str:
    parts = []
    for decision, text in says.items():
        values = [probe for probe in found.probes if probe.decision is decision]
        if values:
            parts.append(f"{text} at {', '.join(_at(probe, found.unit) for probe in values)}")
    return "; ".join(parts)


def _range(low: float, high: float, unit: Unit) -> str:
    return f"{format_value(low, unit)} to {format_value(high, unit)}"


def _at(probe: Probe, unit: Unit) -> str:
    return format_value(probe.value, unit)


def _no_more_than(saving: float) -> str:
    return "nothing" if saving == 0.0 else f"no more than {100 * saving:.3g} %"
