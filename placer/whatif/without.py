"""The same question on a fleet without one pool."""

from __future__ import annotations

from placer.catalog.fleet import Fleet
from placer.errors import InputError, nearest_hint
from placer.scenario.scenario import Scenario


def without(scenario: Scenario, pool: str) -> Scenario:
    """Return a scenario without one pool; devices and links nobody uses any more are left out as well.

    Every plan of it is a plan of the scenario with the pool.

    Raises
    ------
    InputError
        If there is no such pool, it is the only one, or it is required.
    """
    names = [one.name for one in scenario.fleet.pools]
    if pool not in names:
        raise InputError(f'unknown pool "{pool}"{nearest_hint(pool, names)}', where="pool")
    if pool in scenario.target.required_pools:
        raise InputError(f'"{pool}" is required of every replica; expected one that a plan may leave out', where="pool")
    fleet = scenario.fleet.without_pool(pool)
    if fleet is None:
        raise InputError(f'"{pool}" is the only pool; expected a fleet with another one to compare with', where="pool")
    drafting = scenario.speculation
    if drafting is not None and drafting.pool == pool:
        drafting = None
    return scenario.model_copy(update={"fleet": _tidy(fleet), "speculation": drafting})


def _tidy(fleet: Fleet) -> Fleet:
    devices = {pool.device for pool in fleet.pools}
    links = {name for pool in fleet.pools for name in (pool.scale_up, pool.scale_out)}
    links |= {cross.link for cross in fleet.links}
    return fleet.model_copy(
        update={
            "devices": {name: device for name, device in fleet.devices.items() if name in devices},
            "link_types": {name: link for name, link in fleet.link_types.items() if name in links},
        }
    )
