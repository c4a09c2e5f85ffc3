"""What a device of a pool costs and draws, written from physics G1 and G2 and not from the catalog's own sums."""

from __future__ import annotations

from placer.catalog.fleet import Fleet
from placer.catalog.price import Ownership

_DAYS_PER_YEAR, _HOURS_PER_DAY = 365.25, 24.0


def site_watts(fleet: Fleet, pool: str) -> float:
    """Return what the site draws for one device of a pool: its own power times the PUE [W]."""
    pue = 1.0 if fleet.energy is None else fleet.energy.pue
    return fleet.devices[fleet.pool(pool).device].power * pue


def device_usd_per_hour(fleet: Fleet, pool: str) -> float:
    """Return what one device of a pool costs an hour; infinite where it is owned and electricity has no price."""
    price = fleet.devices[fleet.pool(pool).device].price[fleet.price_basis]
    if not isinstance(price, Ownership):
        return price
    if fleet.energy is None or fleet.energy.electricity is None:
        return float("inf")
    electricity = site_watts(fleet, pool) * fleet.energy.electricity / 1e3
    hours = price.lifetime * _DAYS_PER_YEAR * _HOURS_PER_DAY
    return price.opex + electricity + price.capex / hours
