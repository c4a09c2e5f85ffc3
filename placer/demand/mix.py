"""The cheapest mix of reserved, on-demand and spot units for units needed by the hour, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

#: Mixes whose costs differ by less are equal; that with fewer units bound is taken.
_TIE = 1e-12


@dataclass(frozen=True)
class SpotUnit:
    """A spot unit: USD/h while it is held, the share of time it serves, time paid beside, the most of an hour."""

    usd_per_hour: float
    availability: float
    overhead: float
    most_share: float


@dataclass(frozen=True)
class UnitRates:
    """What a rentable unit costs an hour by the way it is paid for; None where there is no such way [USD/h].

    ``reserved`` or ``on_demand`` is given, and ``on_demand`` where ``spot`` is.
    """

    reserved: float | None
    on_demand: float | None
    spot: SpotUnit | None = None

    def spot_cover_usd(self) -> float:
        """Return what a position filled by spot costs an hour, in the mean, with on-demand filling in.

        ``a (1 + o) c_spot + (1 - a) c_on_demand``: spot serves a share ``a`` of the time and is paid for ``o`` of that
        beside. Infinite where there is none.
        """
        if self.spot is None or self.on_demand is None:
            return np.inf
        held = self.spot.availability * (1 + self.spot.overhead)
        return held * self.spot.usd_per_hour + (1 - self.spot.availability) * self.on_demand

    def steady_usd(self) -> float:
        """Return what a unit costs that is always there and paid for in every hour, at the cheapest."""
        return min(price for price in (self.reserved, self.on_demand) if price is not None)


@dataclass(frozen=True)
class Mix:
    """Units by the way they are paid for; arrays have one entry per hour.

    Attributes
    ----------
    reserved
        Units paid for in every hour.
    on_demand, spot
        Units beyond these: by the hour, and positions that spot fills as long as it is there.
    usd
        Mean cost of every hour.
    """

    reserved: int
    on_demand: Integers
    spot: Integers
    usd: NDArray[np.float64]


def cheapest_mix(needed: Integers, rates: UnitRates) -> Mix:
    """Return the mix with the least mean cost, of all mixes.

    With ``r`` units reserved, hour ``h`` needs ``v = max(0, n_h - r)`` more: spot up to its share of ``n_h`` where
    its mean cost is below on-demand's, the rest on demand. Each hour's cost is convex and piecewise linear in ``r``
    with breakpoints ``n_h`` and ``n_h - spot_h``, so their sum is least at one of them, or at 0: all are tried.

    Parameters
    ----------
    needed : ndarray of int, shape (num_hours,)
        Units that every hour needs.
    rates
        Prices of a unit.

    Returns
    -------
    Mix
        Of several cheapest mixes that with the fewest reserved.
    """
    spot_limit = _spot_limit(needed, rates)
    if rates.reserved is None:
        candidates = np.zeros(1, dtype=np.int64)
    elif rates.on_demand is None:
        candidates = needed.max(keepdims=True)
    else:
        candidates = np.unique(np.concatenate(([0], needed, needed - spot_limit)))
    costs = np.array([_mix(int(reserved), needed, spot_limit, rates).usd.sum() for reserved in candidates])
    best = int(candidates[np.argmax(costs <= costs.min() * (1 + _TIE))])
    return _mix(best, needed, spot_limit, rates)


def _spot_limit(needed: Integers, rates: UnitRates) -> Integers:
    """Return how many positions of every hour spot may fill: none where on-demand is no dearer."""
    if rates.spot is None or rates.on_demand is None or rates.spot_cover_usd() >= rates.on_demand:
        return np.zeros_like(needed)
    limit: Integers = np.floor(needed * rates.spot.most_share + _TIE).astype(np.int64)
    return limit


def _mix(reserved: int, needed: Integers, spot_limit: Integers, rates: UnitRates) -> Mix:
    beyond = np.maximum(needed - reserved, 0)
    spot = np.minimum(beyond, spot_limit)
    on_demand = beyond - spot
    usd = np.full(len(needed), reserved * (rates.reserved or 0.0))
    usd += on_demand * (rates.on_demand or 0.0)
    usd += spot * (rates.spot_cover_usd() if spot.any() else 0.0)
    return Mix(reserved, on_demand, spot, usd)
