"""The devices and links of a configuration."""

from __future__ import annotations

from placer.catalog.fleet import Fleet
from placer.catalog.loader import fleet_with
from placer.cost.group import Group
from placer.cost.shape import GroupShape
from placer.errors import InputError, nearest_hint
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
    fleet = fleet or fleet_with(name)
    pool = next((pool for pool in fleet.pools if pool.device == name), None)
    if pool is None:
        known = sorted({pool.device for pool in fleet.pools})
        raise InputError(f'fleet {fleet.name} has no device "{name}"{nearest_hint(name, known)}', where="device")
    scale_up, scale_out = fleet.inner_links(pool.name)
    if scale_up is None and configuration.num_devices > 1:
        raise InputError(f"fleet {fleet.name} names no link between devices of pool {pool.name}", where="num_devices")
    shape = GroupShape(pool.name, configuration.pp, configuration.width, configuration.tp, configuration.expert_tp)
    return Group(shape, fleet.devices[pool.device], pool.domain, scale_up, scale_out)
