"""A figure of a question that can be turned, all else left as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from placer.errors import InputError
from placer.scenario.scenario import Scenario
from placer.units import format_bytes, format_count, format_seconds, format_watts


class Effect(StrEnum):
    """What a larger figure does to the least cost; only what holds plan by plan is declared.

    ``rises`` and ``falls``: every plan that keeps its limits costs no less, or no more, and plans that keep them are
    lost only, or won only. ``open``: nothing is declared.
    """

    RISES = "rises"
    FALLS = "falls"
    OPEN = "open"


class Unit(StrEnum):
    """SI base unit of a figure."""

    USD_PER_HOUR = "USD/h"
    USD = "USD"
    BYTES = "B"
    BYTES_PER_SECOND = "B/s"
    FLOP_PER_SECOND = "FLOP/s"
    SECONDS = "s"
    WATTS = "W"
    TOKENS = "tokens"
    TOKENS_PER_SECOND = "tokens/s"
    NUMBER = ""


@dataclass(frozen=True)
class Knob:
    """One figure of a scenario.

    Attributes
    ----------
    key, title
        Name on the command line, and for people.
    unit, value
        The present value, in that unit.
    lowest, highest
        Values it may be given.
    base
        The scenario it is a figure of.
    write
        Returns ``base`` with another value; a changed figure of the catalog is an estimate there, and says so.
    effect
        What a larger value does to the least cost.
    pools
        Only plans that use all of them depend on it; empty = every plan.
    figures
        Catalog figures it stands for, as plans name them among their estimates; none for figures of the question.
    is_estimate
        Whether any of them is a guess.
    is_linear
        Whether the cost of every plan is linear in it.
    serves_below
        Whether a plan for a value serves at every lower one as it is.
    is_whole
        Whether values are whole numbers.
    zero_step
        By how much to turn a figure that is 0, for a change of 100 %; None = it is not turned then.
    """

    key: str
    title: str
    unit: Unit
    value: float
    base: Scenario
    write: Callable[[float], Scenario]
    lowest: float
    highest: float
    effect: Effect = Effect.OPEN
    pools: frozenset[str] = frozenset()
    figures: tuple[str, ...] = ()
    is_estimate: bool = False
    is_linear: bool = False
    serves_below: bool = False
    is_whole: bool = False
    zero_step: float | None = None

    def at(self, value: float) -> Scenario:
        """Return the scenario with another value; the scenario itself for the present one.

        Raises
        ------
        InputError
            If the value is out of its range.
        """
        if not self.lowest <= value <= self.highest:
            raise InputError(
                f"expected {self.title} between {self.text(self.lowest)} and {self.text(self.highest)}, "
                f"got {self.text(value)}",
                where=self.key,
            )
        return self.base if value == self.value else self.write(value)

    def clipped(self, value: float) -> float:
        """Return the nearest value it may be given."""
        inside = min(max(value, self.lowest), self.highest)
        return float(round(inside)) if self.is_whole else inside

    def matters_to(self, pools: frozenset[str]) -> bool:
        """Return whether plans on some pools can depend on it."""
        return self.pools <= pools

    def text(self, value: float) -> str:
        """Return a value for people."""
        return format_value(value, self.unit)


def format_value(value: float, unit: Unit) -> str:
    """Return a figure with its unit for people.

    >>> format_value(2.2e13, Unit.BYTES_PER_SECOND), format_value(0.498, Unit.USD_PER_HOUR)
    ('22 TB/s', '0.498 USD/h')
    """
    if unit in _PREFIXED:
        return _PREFIXED[unit](value)
    number = f"{value:,.0f}" if unit is Unit.TOKENS else f"{value:.4g}"
    return f"{number} {unit}".rstrip()


def _flops(value: float) -> str:
    number = format_count(value)
    return f"{number}FLOP/s" if number[-1].isalpha() else f"{number} FLOP/s"


#: Units that are written with prefixes.
_PREFIXED: dict[Unit, Callable[[float], str]] = {
    Unit.BYTES: format_bytes,
    Unit.BYTES_PER_SECOND: lambda value: f"{format_bytes(value)}/s",
    Unit.FLOP_PER_SECOND: _flops,
    Unit.SECONDS: format_seconds,
    Unit.WATTS: format_watts,
}
