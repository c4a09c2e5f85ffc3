"""Differences of products and sums, split exactly among their terms (logarithmic mean Divisia index).

Ang, B. W. (2005), "The LMDI approach to decomposition analysis: a practical guide", Energy Policy 33(7), 867-871.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placer.plan.comparison import PriceFactor, PricePart


def log_mean(first: float, second: float) -> float:
    """Return the logarithmic mean ``(x - y) / ln(x / y)``; ``x`` where both are equal, 0 where one is 0.

    Parameters
    ----------
    first, second
        Not negative.

    Examples
    --------
    >>> log_mean(2.0, 2.0), log_mean(1.0, 0.0), round(log_mean(1.0, math.e), 6)
    (2.0, 0.0, 1.718282)
    """
    if first == second:
        return first
    if not (first and second):
        return 0.0
    # log1p keeps the digits that x / y loses where both are close.
    low, high = sorted((first, second))
    return (high - low) / math.log1p((high - low) / low)


@dataclass(frozen=True)
class Value:
    """One value in both plans."""

    name: str
    unit: str
    a: float
    b: float


@dataclass(frozen=True)
class Prices:
    """The two prices whose difference is split [USD]."""

    a: float
    b: float

    def usd(self, log_ratio: float) -> float:
        """Return the dollars of a factor ``exp(log_ratio)``: those of all factors of a price sum to the difference."""
        return log_mean(self.a, self.b) * log_ratio


def product_factor(prices: Prices, of: Value, sign: int, parts: Sequence[Value] = ()) -> PriceFactor:
    """Return a factor of a price, and those it is a product of.

    Parameters
    ----------
    prices
        The two prices.
    of
        The factor; values above 0.
    sign
        1 where the price is proportional to it, -1 where it is to the inverse.
    parts
        Values that multiply to it.
    """
    return PriceFactor(
        **_product(prices, of, sign), parts=tuple(PricePart(**_product(prices, each, sign)) for each in parts)
    )


def _product(prices: Prices, of: Value, sign: int) -> dict[str, object]:
    log_ratio = sign * _log_ratio(of.a, of.b)
    return _fields(prices, of, log_ratio)


def _log_ratio(a: float, b: float) -> float:
    """Return ``ln(b / a)``, exactly opposite when both change places."""
    low, high = sorted((a, b))
    return math.copysign(math.log1p((high - low) / low), b - a) if a != b else 0.0


def sum_factor(prices: Prices, of: Value, parts: Sequence[Value]) -> PriceFactor:
    """Return a factor that is a sum, and what each summand contributes.

    The change ``b_i - a_i`` of a summand contributes ``exp((b_i - a_i) / L)``, ``L`` the logarithmic mean of the sums:
    the contributions multiply to the ratio of the sums, and a summand may be absent on one side.

    Parameters
    ----------
    prices
        The two prices.
    of
        The sum; the price is proportional to it.
    parts
        Its summands.
    """
    mean = log_mean(of.a, of.b)
    shown = tuple(PricePart(**_fields(prices, each, (each.b - each.a) / mean)) for each in parts)
    return PriceFactor(**_product(prices, of, 1), parts=shown)


def _fields(prices: Prices, of: Value, log_ratio: float) -> dict[str, object]:
    return {
        "name": of.name,
        "unit": of.unit,
        "a": of.a,
        "b": of.b,
        "ratio": math.exp(log_ratio),
        "usd": prices.usd(log_ratio),
    }
