"""What is rented: whole units, everything in a touched one paid for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from placer.plan.placement import Placement, Role
from placer.verify.recompute.group import Group


def blocks(placement: Placement, groups: Mapping[Role, Group]) -> Iterator[tuple[int, Role, int, int]]:
    """Yield replica, role, stage and first device of every block of devices; unknown roles are left out."""
    for index, replica in enumerate(placement.replicas):
        for role, first_devices in replica.first_device.items():
            if role in groups:
                for stage, first in enumerate(first_devices):
                    yield index, role, stage, first


def rented_devices(placement: Placement, groups: Mapping[Role, Group]) -> dict[str, int]:
    """Return the devices rented of every pool that is used; blocks beyond the inventory are left out."""
    units: dict[str, set[int]] = {}
    for _, role, _, first in blocks(placement, groups):
        group = groups[role]
        last = first + group.shape.width - 1
        if last >= group.pool.count:
            continue
        touched = range(first // group.pool.unit, last // group.pool.unit + 1)
        units.setdefault(group.pool.name, set()).update(touched)
    sizes = {group.pool.name: group.pool.unit for group in groups.values()}
    return {name: len(touched) * sizes[name] for name, touched in units.items()}
