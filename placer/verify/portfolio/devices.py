"""Checks `inventory` and `units`: nobody shares a device, whole units are rented and paid."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from placer.verify.finding import Finding
from placer.verify.portfolio.context import Held, PortfolioContext, differs, finding, runs_of
from placer.verify.recompute.rates import device_usd_per_hour

INVENTORY = "inventory"
INVENTORY_WHAT = "every device in use exists and belongs to one replica or slot; slots lie in one scale-up domain"
UNITS = "units"
UNITS_WHAT = "rented are the whole units that are touched, and the rent is theirs"


def check_inventory(context: PortfolioContext) -> Iterator[Finding]:
    """Yield devices beyond the inventory, devices used twice, slots that straddle domains or miss their members."""
    held = sorted(context.held(), key=lambda run: (run.pool, run.first))
    pools = {pool.name: pool for pool in context.scenario.fleet.pools}
    for run in held:
        if run.pool not in pools or run.first + run.size > pools[run.pool].count:
            yield finding(INVENTORY, run.owner, f"beyond the inventory of {run.pool}", found=run.first + run.size)
    for before, after in pairwise(held):
        if before.pool == after.pool and after.first < before.first + before.size:
            yield finding(INVENTORY, after.owner, f"{after.pool}[{after.first}] is used by {before.owner} as well")
    yield from _check_counts(context)
    yield from _check_slots(context)


def _check_counts(context: PortfolioContext) -> Iterator[Finding]:
    for index, deployment in enumerate(context.portfolio.deployments):
        counts: dict[str, int] = {}
        for run in runs_of("", deployment.plan):
            counts[run.pool] = counts.get(run.pool, 0) + run.size
        where = f"deployments[{index}]"
        if counts != deployment.devices:
            yield finding(INVENTORY, f"{where}.devices", "not those of its replicas", counts, deployment.devices)
        placement = deployment.plan.placement
        if placement is not None and len(placement.replicas) != deployment.replicas:
            found = deployment.replicas
            yield finding(INVENTORY, f"{where}.replicas", "not those of its plan", len(placement.replicas), found)


def _check_slots(context: PortfolioContext) -> Iterator[Finding]:
    for index, slot in enumerate(context.portfolio.slots):
        domain = context.scenario.fleet.pool(slot.pool).domain
        last = slot.first_device + slot.devices - 1
        if slot.first_device // domain != last // domain:
            yield finding(INVENTORY, f"slots[{index}]", f"does not lie in one scale-up domain of {domain}")
        for number, member in enumerate(slot.members):
            for run in runs_of("", member.plan):
                if not _inside(run, Held("", slot.pool, slot.first_device, slot.devices)):
                    where = f"slots[{index}].members[{number}]"
                    yield finding(INVENTORY, where, f"uses {run.pool}[{run.first}] outside its slot")


def _inside(run: Held, slot: Held) -> bool:
    return run.pool == slot.pool and slot.first <= run.first and run.first + run.size <= slot.first + slot.size


def check_units(context: PortfolioContext) -> Iterator[Finding]:
    """Yield units that are rented for nothing or not at all, and rent that is not theirs."""
    fleet = context.scenario.fleet
    touched: dict[str, set[int]] = {}
    for run in context.held():
        unit = fleet.pool(run.pool).unit
        touched.setdefault(run.pool, set()).update(range(run.first // unit, (run.first + run.size - 1) // unit + 1))
    rented = {pool: len(units) * fleet.pool(pool).unit for pool, units in touched.items()}
    if rented != context.portfolio.devices:
        yield finding(UNITS, "devices", "not the whole units that are touched", rented, context.portfolio.devices)
    rent = sum(count * device_usd_per_hour(fleet, pool) for pool, count in rented.items())
    stated = context.portfolio.usd_per_hour
    if stated is None or differs(stated, rent):
        yield finding(UNITS, "usd_per_hour", "not the rent of these units", rent, stated)
