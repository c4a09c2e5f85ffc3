"""Check `devices`: blocks in the inventory, none used twice, domains respected, whole units rented."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from placer.plan.placement import ReplicaDevices
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.group import Group
from placer.verify.recompute.rental import blocks

NAME = "devices"
WHAT = "every device exists, serves one stage of one replica, in its domain; whole units are rented"


def check_devices(context: Context) -> Iterator[Finding]:
    """Yield devices that do not exist, are used twice, straddle domains, or are rented in part."""
    for index, replica in enumerate(context.placement.replicas):
        yield from _check_replica(context, index, replica)
    yield from _check_inventory(context)
    yield from _check_overlap(context)
    rented = {name: count for name, count in context.plan.devices.items() if count}
    if rented != context.rented:
        yield _finding("devices", "not the whole units the replicas touch", context.rented, rented)


def _finding(where: str, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check=NAME, where=where, message=message, expected=texts[0], found=texts[1])


def _check_replica(context: Context, index: int, replica: ReplicaDevices) -> Iterator[Finding]:
    where = f"placement.replicas[{index}]"
    if set(replica.first_device) != set(context.groups):
        yield _finding(where, "devices for other groups than planned", sorted(context.groups), None)
    for role, first_devices in replica.first_device.items():
        group = context.groups.get(role)
        if group is None:
            continue
        if len(first_devices) != group.shape.stages:
            yield _finding(f"{where}.{role}", "stages", group.shape.stages, len(first_devices))
        elif not _domains_hold(group, first_devices):
            yield _finding(
                f"{where}.{role}",
                f"group or stages do not lie in scale-up domains of {group.pool.domain}",
                found=first_devices,
            )


def _domains_hold(group: Group, first_devices: tuple[int, ...]) -> bool:
    """Return whether a group that fits lies in one domain; else every stage, else in whole ones."""
    domain, width = group.pool.domain, group.shape.width
    touched = [(first // domain, (first + width - 1) // domain) for first in first_devices]
    if group.shape.num_devices <= domain:
        return len({number for pair in touched for number in pair}) == 1
    if width <= domain:
        return all(start == end for start, end in touched)
    return all(first % domain == 0 for first in first_devices) and width % domain == 0


def _check_inventory(context: Context) -> Iterator[Finding]:
    for replica, role, stage, first in blocks(context.placement, context.groups):
        group = context.groups[role]
        if first + group.shape.width > group.pool.count:
            yield _finding(
                f"placement.replicas[{replica}].{role}[{stage}]",
                f"beyond the inventory of {group.pool.name}",
                f"below {group.pool.count}",
                f"{first} to {first + group.shape.width - 1}",
            )


def _check_overlap(context: Context) -> Iterator[Finding]:
    by_pool: dict[str, list[tuple[int, int, str]]] = {}
    for replica, role, stage, first in blocks(context.placement, context.groups):
        group = context.groups[role]
        name = f"replicas[{replica}].{role}[{stage}]"
        by_pool.setdefault(group.pool.name, []).append((first, first + group.shape.width, name))
    for pool, used in by_pool.items():
        ordered = sorted(used)
        for before, after in pairwise(ordered):
            if after[0] < before[1]:
                yield _finding(f"placement.{after[2]}", f"{pool}[{after[0]}] is used by {before[2]} as well")
