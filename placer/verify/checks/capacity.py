"""Check `capacity`: weights, KV cache and buffers fit every device; the plan's memory map is right."""

from __future__ import annotations

import math
from collections.abc import Iterator

from placer.plan.metrics import MemoryUse
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.group import Group
from placer.verify.recompute.memory import DeviceMemory

NAME = "capacity"
WHAT = "weights, KV cache and buffers fit every device; the memory map is that of the fullest"
_RELATIVE = 1e-9


def check_capacity(context: Context) -> Iterator[Finding]:
    """Yield overfull devices and rows of the memory map that differ from the fullest device."""
    yield from _check_fits(context)
    rows = [row.role for row in context.plan.memory]
    if sorted(rows) != sorted(context.groups):
        yield _finding("memory", "one row per group", sorted(context.groups), sorted(rows))
        return
    for row in context.plan.memory:
        yield from _check_row(context, row)


def _finding(where: str, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check=NAME, where=where, message=message, expected=texts[0], found=texts[1])


def _check_fits(context: Context) -> Iterator[Finding]:
    """Yield one finding per stage with overfull devices."""
    for device in context.memory:
        role, stage = device.place
        hardware = context.groups[role].device
        # A thousandth of a byte is float noise in sums below 10^12.
        if math.ceil(device.total - 1e-3) > hardware.usable_bytes:
            yield _finding(
                f"{role} stage {stage}",
                f"overfills the {hardware.compute_tier.tier} of {hardware.name}",
                f"at most {hardware.usable_bytes} B",
                f"{math.ceil(device.total)} B",
            )


def _slack(device: DeviceMemory) -> float:
    return device.items + _RELATIVE * device.total


def _check_row(context: Context, row: MemoryUse) -> Iterator[Finding]:
    group, where = context.groups[row.role], f"memory[{row.role}]"
    yield from _check_tier(group, row, where)
    devices = [device for device in context.memory if device.place[0] is row.role]
    fullest = max(device.total for device in devices)
    candidates = [device for device in devices if device.total >= fullest - _slack(device)]
    differences = [_differences(row, device) for device in candidates]
    if all(differences):
        closest = min(differences, key=len)
        for field, exact in closest.items():
            yield _finding(f"{where}.{field}", "wrong", f"{exact:.0f} B", f"{getattr(row, field)} B")
    parts = row.weights_bytes + row.hot_experts_bytes + row.kv_bytes + row.activations_bytes
    free = group.device.usable_bytes - parts
    if abs(row.free_bytes - free) > 1 + 4 * max(_slack(device) for device in candidates):
        yield _finding(f"{where}.free_bytes", "not what the other rows leave", f"{free} B", row.free_bytes)


def _check_tier(group: Group, row: MemoryUse, where: str) -> Iterator[Finding]:
    tier = group.device.compute_tier
    expected = f"{group.pool.name}, {group.device.name}, {tier.tier}"
    found = f"{row.pool}, {row.device}, {row.tier}"
    if found != expected:
        yield _finding(where, "of another pool, device or tier", expected, found)
    if abs(row.capacity_bytes - tier.capacity) > 1:
        yield _finding(f"{where}.capacity_bytes", "wrong", f"{tier.capacity:.0f} B", row.capacity_bytes)
    reserved = tier.capacity - group.device.usable_bytes
    if abs(row.reserved_bytes - reserved) > 1:
        yield _finding(f"{where}.reserved_bytes", "wrong", f"{reserved:.0f} B", row.reserved_bytes)


def _differences(row: MemoryUse, device: DeviceMemory) -> dict[str, float]:
    exact = {
        "weights_bytes": device.weights,
        "hot_experts_bytes": device.hot_experts,
        "kv_bytes": device.kv + device.draft,
        "activations_bytes": device.activations,
    }
    slack = _slack(device)
    return {field: value for field, value in exact.items() if abs(getattr(row, field) - value) > slack}
