"""Quantities at the border: text with a unit in, SI base units inside.

Inside placer every number is a plain ``int`` or ``float`` in bytes, seconds, FLOP/s, watts or US
dollars, and its name says which. This module is the only place where units are parsed or printed.
Decimal and binary prefixes are different words: 1 GB is 10^9 bytes, 1 GiB is 2^30; bits are a small b.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum

from placer.errors import UnitError, clipped

_DECIMAL = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}
_SECONDS = {"ps": 1e-12, "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_QUANTITY = re.compile(rf"({_NUMBER})\s*(\D\S*)?", re.ASCII)
_LONGEST_QUANTITY = 80


class Dimension(StrEnum):
    """What a quantity measures; the value is what a message calls it."""

    BYTES = "a size such as 141 GB or 512 MiB"
    BYTES_PER_SECOND = "a bandwidth such as 4.8 TB/s or 400 Gb/s"
    FLOP_PER_SECOND = "a rate such as 989 TFLOP/s"
    SECONDS = "a time such as 2 us or 1.5 ms"
    WATTS = "a power such as 700 W or 1.2 kW"
    USD_PER_HOUR = "a price such as 2.95 USD/h"
    USD = "an amount such as 30,000 USD"
    USD_PER_KWH = "a price of electricity such as 0.08 USD/kWh"
    YEARS = "a time such as 4 years"


#: Dimensions with one unit: how it is written.
_SINGLE_UNITS = {
    Dimension.USD_PER_HOUR: ("USD/h",),
    Dimension.USD: ("USD",),
    Dimension.USD_PER_KWH: ("USD/kWh",),
    Dimension.YEARS: ("years", "year"),
}
#: Nothing on this planet is larger; a figure beyond it is a slip of the pen.
_LARGEST = {
    Dimension.BYTES: 1e18,
    Dimension.BYTES_PER_SECOND: 1e19,
    Dimension.FLOP_PER_SECOND: 1e21,
    Dimension.SECONDS: 1e5,
    Dimension.WATTS: 1e9,
    Dimension.USD_PER_HOUR: 1e9,
    Dimension.USD: 1e12,
    Dimension.USD_PER_KWH: 1e3,
    Dimension.YEARS: 1e3,
}


def _prefixed(unit: str, base: str, prefixes: dict[str, float]) -> float | None:
    if not unit.endswith(base):
        return None
    return prefixes.get(unit[: len(unit) - len(base)])


def _bytes_factor(unit: str) -> float | None:
    for base, scale in (("B", 1.0), ("b", 0.125)):
        factor = _prefixed(unit, base, _DECIMAL | _BINARY)
        if factor is not None:
            return factor * scale
    return None


def _factor(unit: str, dimension: Dimension) -> float | None:
    match dimension:
        case Dimension.BYTES:
            return _bytes_factor(unit)
        case Dimension.BYTES_PER_SECOND:
            return _bytes_factor(unit.removesuffix("/s")) if unit.endswith("/s") else None
        case Dimension.FLOP_PER_SECOND:
            return _prefixed(unit, "FLOP/s", _DECIMAL)
        case Dimension.SECONDS:
            return _SECONDS.get(unit)
        case Dimension.WATTS:
            return _prefixed(unit, "W", _DECIMAL)
        case _:
            return 1.0 if unit in _SINGLE_UNITS[dimension] else None


def parse_quantity(text: object, dimension: Dimension) -> float:
    """Parse a number with a unit into SI base units.

    Parameters
    ----------
    text
        What stands in the file, such as ``"4.8 TB/s"``.
    dimension
        What is expected there.

    Returns
    -------
    float
        Bytes, bytes/s, FLOP/s, seconds, watts, years, US dollars, or these per hour or kilowatt-hour.

    Raises
    ------
    UnitError
        If it is no text with a number and a fitting unit, or is negative, not finite or absurdly large.

    Examples
    --------
    >>> parse_quantity("4.8 TB/s", Dimension.BYTES_PER_SECOND)
    4800000000000.0
    >>> parse_quantity("400 Gb/s", Dimension.BYTES_PER_SECOND)
    50000000000.0
    """
    if not isinstance(text, str):
        raise UnitError(f"expected {dimension}, got {clipped(text)} without a unit")
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _LONGEST_QUANTITY else None
    if match is None:
        raise UnitError(f"expected {dimension}, got {clipped(text)}")
    number, unit = match.group(1), match.group(2) or ""
    factor = _factor(unit, dimension)
    if factor is None:
        raise UnitError(f"expected {dimension}, got {clipped(text)}" + ("" if unit else " without a unit"))
    value = float(number.replace("_", "").replace(",", "")) * factor
    if not math.isfinite(value) or value < 0 or value > _LARGEST[dimension]:
        raise UnitError(f"expected {dimension} between 0 and {_LARGEST[dimension]:.0e}, got {clipped(text)}")
    return value


def parse_count(text: object, what: str) -> int:
    """Parse a whole number that may carry a decimal or binary suffix: ``8k``, ``128Ki``, ``131072``.

    Raises
    ------
    UnitError
        If it is not a positive whole number below 10^12.

    >>> parse_count("128k", "context"), parse_count("128Ki", "context")
    (128000, 131072)
    """
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*(k|K|M|G|Ki|Mi|Gi)?", str(text).strip(), re.ASCII)
    value = float(match.group(1)) * (_DECIMAL | _BINARY)[match.group(2) or ""] if match else 0.0
    if not value.is_integer() or not 1 <= value < 1e12:
        raise UnitError(f"expected {what} as a positive whole number such as 8192, 8k or 8Ki, got {clipped(text)}")
    return int(value)


def _scaled(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    for size, unit in steps:
        if abs(value) >= size:
            return f"{value / size:.4g} {unit}"
    size, unit = steps[-1]
    return f"{value / size:.4g} {unit}"


def format_bytes(value: float) -> str:
    """Return a size with four digits, decimal prefixes.

    >>> format_bytes(141_000_000_000)
    '141 GB'
    """
    return _scaled(value, ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")))


def format_seconds(value: float) -> str:
    """Return a time with four digits.

    >>> format_seconds(0.0125)
    '12.5 ms'
    """
    return _scaled(value, ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")))


def format_count(value: float) -> str:
    """Return a large count with four digits.

    >>> format_count(671_026_404_352)
    '671 G'
    """
    return _scaled(value, ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))).rstrip()


def format_watts(value: float) -> str:
    """Return a power with four digits.

    >>> format_watts(208_800)
    '208.8 kW'
    """
    return _scaled(value, ((1e6, "MW"), (1e3, "kW"), (1.0, "W")))


def exact_text(value: float, unit: str) -> str:
    """Return a base-unit text that parses back to the same number.

    >>> exact_text(4.8e12, "B/s")
    '4800000000000 B/s'
    """
    whole = float(value).is_integer() and abs(value) < 2**63
    return f"{int(value)} {unit}" if whole else f"{value!r} {unit}"
