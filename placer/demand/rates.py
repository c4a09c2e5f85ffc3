"""What a rented unit costs an hour by the way it is paid for."""

from __future__ import annotations

from placer.catalog.fleet import Fleet, Pool
from placer.catalog.price import Ownership
from placer.cost.money import known_usd_per_hour
from placer.demand.mix import SpotUnit, UnitRates
from placer.demand.prices import Prices, Rate
from placer.errors import InputError, nearest_hint


def unit_rates(fleet: Fleet, pool: Pool, prices: Prices) -> UnitRates:
    """Return what a rentable unit of a pool costs.

    Raises
    ------
    InputError
        If prices are by pool and leave it out, or name one there is not.
    """
    spot = prices.spot
    return UnitRates(
        reserved=_unit_usd(fleet, pool, prices.reserved, "reserved"),
        on_demand=_unit_usd(fleet, pool, prices.on_demand, "on_demand"),
        spot=None
        if spot is None
        else SpotUnit(
            usd_per_hour=_unit_usd(fleet, pool, spot, "spot") or 0.0,
            availability=spot.availability,
            overhead=spot.overhead,
            most_share=spot.most_share,
        ),
    )


def _unit_usd(fleet: Fleet, pool: Pool, rate: Rate | None, way: str) -> float | None:
    if rate is None:
        return None
    if not isinstance(rate.price, dict):
        return rate.price * known_usd_per_hour(fleet, pool) * pool.unit
    known = [each.name for each in fleet.pools]
    for name in rate.price:
        if name not in known:
            raise InputError(f'unknown pool "{name}"{nearest_hint(name, known)}', where=f"prices.{way}.price")
    if pool.name not in rate.price:
        raise InputError(f'lacks pool "{pool.name}", which the plan rents', where=f"prices.{way}.price")
    return rate.price[pool.name] * pool.unit


def assert_by_the_hour(fleet: Fleet, prices: Prices) -> None:
    """Refuse multiples of what owned devices cost for anything but reserved capacity.

    Raises
    ------
    InputError
        An owner pays for a device in all hours; what others ask by the hour is no multiple of that.
    """
    owned = [
        pool.name
        for pool in fleet.pools
        if isinstance(fleet.device_of(pool.name).price.get(fleet.price_basis), Ownership)
    ]
    for way, rate in (("on_demand", prices.on_demand), ("spot", prices.spot)):
        if owned and rate is not None and not isinstance(rate.price, dict):
            raise InputError(
                f"devices of {', '.join(owned)} are owned, so no hour is saved; expected USD/h by pool",
                where=f"prices.{way}.price",
            )
