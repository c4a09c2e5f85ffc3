"""The devices and links of a configuration."""

from __future__ import annotations

from functools import cache

from placer.catalog.fleet import Fleet
from placer.catalog.loader import device_names, fleet_names, load_fleet
from placer.cost.group import Group
from placer.cost.shape import GroupShape
from placer.errors import CatalogError, InputError, nearest_hint
from placer.predict.configuration import Configuration


def group_of(configuration: Configuration, fleet: Fleet | None = None) -> Group:
    """Return the devices and links of a configuration.

    Parameters
    ----------
    configuration
        Names the device and the degrees.
    fleet
        Where the device's links are taken from; without one, the first fleet of the catalog that has the device.

    Raises
    ------
    InputError
        If the device is unknown, no fleet says how it is linked, or the fleet has too few.
    """
    name = configuration.device.replace("_", "-")
    fleet = fleet or _fleet_with(name)
    pool = next((pool for pool in fleet.pools if pool.device == name), None)
    if pool is None:
        known = sorted({pool.device for pool in fleet.pools})
        raise InputError(f'fleet {fleet.name} has no device "{name}"{nearest_hint(name, known)}', where="device")
    scale_up, scale_out = fleet.inner_links(pool.name)
    if scale_up is None and configuration.num_devices > 1:
        raise InputError(f"fleet {fleet.name} names no link between devices of pool {pool.name}", where="num_devices")
    shape = GroupShape(pool.name, configuration.pp, configuration.width, configuration.tp, configuration.expert_tp)
    return Group(shape, fleet.devices[pool.device], pool.domain, scale_up, scale_out)


@cache
def _fleet_with(device: str) -> Fleet:
    """Return the catalog's fleet that has the device and least besides."""
    if device not in device_names():
        raise CatalogError(f'unknown device "{device}"{nearest_hint(device, device_names())}', where="device")
    fleets = [load_fleet(name) for name in fleet_names()]
    having = [fleet for fleet in fleets if any(pool.device == device for pool in fleet.pools)]
    if not having:
        raise InputError(f"no fleet of the catalog says how {device} is linked; give one with --fleet", where="device")
    return min(having, key=lambda fleet: (len(fleet.pools), fleet.name))
