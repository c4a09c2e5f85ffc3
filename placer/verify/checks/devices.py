"""Check `devices`: blocks in the inventory, none used twice, domains respected, whole units rented."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.placement import ReplicaDevices
from placer.verify.checks.blocks import domains_hold, inventory_findings, overlap_findings
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.rental import replica_blocks

NAME = "devices"
WHAT = "every device exists, serves one stage of one replica, in its domain; whole units are rented"


def check_devices(context: Context) -> Iterator[Finding]:
    """Yield devices that do not exist, are used twice, straddle domains, or are rented in part."""
    for index, replica in enumerate(context.placement.replicas):
        yield from _check_replica(context, index, replica)
    blocks = list(replica_blocks(context.placement, context.groups))
    yield from inventory_findings(NAME, blocks)
    yield from overlap_findings(NAME, blocks)
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
        elif not domains_hold(group, first_devices):
            yield _finding(
                f"{where}.{role}",
                f"group or stages do not lie in scale-up domains of {group.pool.domain}",
                found=first_devices,
            )
