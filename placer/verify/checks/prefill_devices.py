"""Check `prefill-devices`: blocks of groups that prefill are there, in their domains, and used for nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.checks.blocks import domains_hold, inventory_findings, overlap_findings
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.prefill_group import prefill_group
from placer.verify.recompute.rental import prefill_blocks

NAME = "prefill-devices"
WHAT = "every device that prefills exists, in its domain, and does nothing else; whole units are rented for all"


def check_prefill_devices(context: Context) -> Iterator[Finding]:
    """Yield devices that do not exist, are used twice, straddle domains, or are rented in part."""
    if context.plan.phases is None:
        return
    fleet = context.scenario.fleet
    for index, pool in enumerate(context.prefill_pools):
        group = prefill_group(pool, fleet)
        for number, first_devices in enumerate(pool.first_devices):
            where = f"phases.prefill[{index}].first_devices[{number}]"
            if len(first_devices) != pool.stages:
                yield _finding(where, "stages", pool.stages, len(first_devices))
            elif not domains_hold(group, first_devices):
                message = f"group or stages do not lie in scale-up domains of {group.pool.domain}"
                yield _finding(where, message, None, first_devices)
    yield from inventory_findings(NAME, prefill_blocks(context.prefill_pools, fleet))
    yield from overlap_findings(NAME, context.blocks)
    rented = {name: count for name, count in context.plan.devices.items() if count}
    if rented != context.rented:
        yield _finding("devices", "not the whole units that prefill and decode touch", context.rented, rented)


def _finding(where: str, message: str, expected: object, found: object) -> Finding:
    return Finding(check=NAME, where=where, message=message, expected=str(expected), found=str(found))
