"""Check `capacity`: weights, KV cache and buffers fit every device; the plan's memory map is right."""

from __future__ import annotations

import math
from collections.abc import Iterator

from placer.plan.metrics import CacheUse, MemoryUse
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
        loads = [(hardware.compute_tier.tier, device.total, hardware.usable_bytes)]
        if hardware.is_split:
            loads = [
                (hardware.compute_tier.tier, device.at_rest, hardware.usable_bytes),
                (hardware.cache_tier.tier, device.cached, hardware.usable_cache_bytes),
            ]
        for tier, held, usable in loads:
            # A thousandth of a byte is float noise in sums below 10^12.
            if math.ceil(held - 1e-3) > usable:
                message = f"overfills the {tier} of {hardware.name}"
                yield _finding(f"{role} stage {stage}", message, f"at most {usable} B", f"{math.ceil(held)} B")


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
    at_rest, cached = row.weights_bytes + row.hot_experts_bytes, row.kv_bytes + row.activations_bytes
    rooms = [(f"{where}.free_bytes", row.free_bytes, group.device.usable_bytes - at_rest)]
    if row.cache is None:
        rooms = [(f"{where}.free_bytes", row.free_bytes, group.device.usable_bytes - at_rest - cached)]
    else:
        rooms.append((f"{where}.cache.free_bytes", row.cache.free_bytes, group.device.usable_cache_bytes - cached))
    for field, stated, free in rooms:
        if abs(stated - free) > 1 + 4 * max(_slack(device) for device in candidates):
            yield _finding(field, "not what the other rows leave", f"{free} B", stated)


def _check_tier(group: Group, row: MemoryUse, where: str) -> Iterator[Finding]:
    tier = group.device.compute_tier
    expected = f"{group.pool.name}, {group.device.name}, {tier.tier}"
    found = f"{row.pool}, {row.device}, {row.tier}"
    if found != expected:
        yield _finding(where, "of another pool, device or tier", expected, found)
    yield from _check_sizes(row, where, tier.capacity, group.device.usable_bytes)
    if (row.cache is not None) is not group.device.is_split:
        expected = "a tier of its own" if group.device.is_split else "no tier of its own"
        yield _finding(f"{where}.cache", "not how the device keeps KV cache", expected, row.cache)
    elif row.cache is not None:
        cache = group.device.cache_tier
        if row.cache.tier != cache.tier:
            yield _finding(f"{where}.cache.tier", "of another tier", cache.tier, row.cache.tier)
        yield from _check_sizes(row.cache, f"{where}.cache", cache.capacity, group.device.usable_cache_bytes)


def _check_sizes(row: MemoryUse | CacheUse, where: str, capacity: float, usable: int) -> Iterator[Finding]:
    if abs(row.capacity_bytes - capacity) > 1:
        yield _finding(f"{where}.capacity_bytes", "wrong", f"{capacity:.0f} B", row.capacity_bytes)
    reserved = capacity - usable
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
