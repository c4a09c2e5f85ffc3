"""Names of devices: ``pool[3]``, or ``domain:pool[0]`` for all devices of a scale-up domain."""

from __future__ import annotations

import re
from collections.abc import Iterable

from placer.catalog.fleet import Fleet, Pool
from placer.errors import InputError, nearest_hint

#: Pool and number in its inventory.
Device = tuple[str, int]

_NAME = re.compile(r"(?P<domain>domain:)?(?P<pool>[^\[\]]+)\[(?P<number>\d{1,9})\]")


def device_name(device: Device) -> str:
    """Return the name of a device.

    >>> device_name(("rubin", 12))
    'rubin[12]'
    """
    return f"{device[0]}[{device[1]}]"


def parse_devices(fleet: Fleet, names: Iterable[str], option: str) -> tuple[Device, ...]:
    """Return the devices that names stand for, each once, in order.

    Parameters
    ----------
    fleet
        Gives pools and domains.
    names
        Such as ``rubin[12]`` or ``domain:rubin[0]``.
    option
        What error messages point at.

    Raises
    ------
    InputError
        If there is no such device, with the nearest name there is.
    """
    devices = [device for name in names for device in _parse(fleet, name, option)]
    return tuple(dict.fromkeys(devices))


def _parse(fleet: Fleet, name: str, option: str) -> list[Device]:
    match = _NAME.fullmatch(name.strip())
    pools = {pool.name: pool for pool in fleet.pools}
    if match is None:
        first = fleet.pools[0].name
        raise InputError(f"expected a device such as {first}[0] or domain:{first}[0], got {name!r}", where=option)
    known = pools.get(match["pool"])
    number = int(match["number"])
    if known is None:
        names = [f"{match['domain'] or ''}{pool.name}[{_last(pool, number, match)}]" for pool in fleet.pools]
        hint = nearest_hint(name, names) or f"; pools are {', '.join(pools)}"
        raise InputError(f'unknown device "{name}"{hint}', where=option)
    if number != _last(known, number, match):
        nearest = f"{match['domain'] or ''}{known.name}[{_last(known, number, match)}]"
        raise InputError(f'unknown device "{name}"; did you mean "{nearest}", the last one?', where=option)
    if not match["domain"]:
        return [(known.name, number)]
    size = min(known.domain, known.count)
    return [(known.name, number * size + each) for each in range(size)]


def _last(pool: Pool, number: int, match: re.Match[str]) -> int:
    """Return a number, or the last one there is below it."""
    count = max(1, pool.count // pool.domain) if match["domain"] else pool.count
    return min(number, count - 1)
