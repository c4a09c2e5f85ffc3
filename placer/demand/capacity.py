"""What replicas of a plan hold and rent, and what a rented unit costs by the way it is paid for."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.fleet import Fleet, Pool
from placer.catalog.price import Ownership
from placer.cost.money import RentalTable, rental_table
from placer.cost.shape import GroupShape
from placer.demand.mix import SpotUnit, UnitRates
from placer.demand.prices import Prices, Rate
from placer.errors import InputError, nearest_hint
from placer.plan.plan import Plan, Status


@dataclass(frozen=True)
class Capacity:
    """What some replicas of a plan hold.

    Attributes
    ----------
    slots_per_replica
        Sequences a replica decodes at once.
    residence_s
        How long a request keeps its slot: output tokens at the plan's speed, that of full slots [s].
    rentals
        Devices rented for 1, 2, ... replicas, as far as inventory and the plan's caps on cost and power allow.
    """

    slots_per_replica: int
    residence_s: float
    rentals: RentalTable

    @property
    def most_replicas(self) -> int:
        """Replicas that inventory and caps allow."""
        return len(self.rentals.replicas)

    def units(self, pool: Pool, replicas: int) -> int:
        """Return the rentable units of a pool that hold so many replicas."""
        if replicas == 0:
            return 0
        devices = self.rentals.devices[self.rentals.pools.index(pool.name)]
        return int(devices[replicas - 1]) // pool.unit


def capacity_of(plan: Plan, where: str) -> Capacity:
    """Return what replicas of a plan hold and rent.

    Raises
    ------
    InputError
        If it is a refusal or undecided.
    """
    if plan.status is not Status.PLANNED or plan.metrics is None or plan.placement is None:
        raise InputError(f"expected a plan with a placement, got one that is {plan.status}", where=where)
    scenario = plan.scenario
    shapes = tuple(GroupShape(each.pool, each.stages, each.width, each.tp, each.expert_tp) for each in plan.groups)
    target = scenario.target
    return Capacity(
        slots_per_replica=plan.metrics.users // len(plan.placement.replicas),
        residence_s=scenario.workload.output_tokens / plan.metrics.tokens_per_s_per_user,
        rentals=rental_table(scenario.fleet, shapes).within(target.cost_cap, target.power_cap),
    )


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
        usd = fleet.usd_per_hour(pool.name)
        if usd is None:
            raise InputError(f'{pool.device} has no price on the basis "{fleet.price_basis}"', where=fleet.name)
        return rate.price * usd * pool.unit
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
