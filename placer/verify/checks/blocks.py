"""Blocks of devices: in the inventory, in their domains, used once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from placer.verify.finding import Finding
from placer.verify.recompute.group import Group
from placer.verify.recompute.rental import Block


def inventory_findings(check: str, blocks: Iterable[Block]) -> Iterator[Finding]:
    """Yield blocks that reach beyond the inventory of their pool."""
    for block in blocks:
        if not block.is_there:
            yield Finding(
                check=check,
                where=block.where,
                message=f"beyond the inventory of {block.pool.name}",
                expected=f"below {block.pool.count}",
                found=f"{block.first} to {block.end - 1}",
            )


def overlap_findings(check: str, blocks: Iterable[Block]) -> Iterator[Finding]:
    """Yield blocks whose first device is that of another block as well."""
    by_pool: dict[str, list[Block]] = {}
    for block in blocks:
        by_pool.setdefault(block.pool.name, []).append(block)
    for pool, used in by_pool.items():
        for before, after in pairwise(sorted(used, key=lambda block: (block.first, block.end, block.where))):
            if after.first < before.end:
                message = f"{pool}[{after.first}] is used by {before.where} as well"
                yield Finding(check=check, where=after.where, message=message)


def domains_hold(group: Group, first_devices: Sequence[int]) -> bool:
    """Return whether a group that fits lies in one domain; else every stage, else in whole ones."""
    domain, width = group.pool.domain, group.shape.width
    touched = [(first // domain, (first + width - 1) // domain) for first in first_devices]
    if group.shape.num_devices <= domain:
        return len({number for pair in touched for number in pair}) == 1
    if width <= domain:
        return all(start == end for start, end in touched)
    return all(first % domain == 0 for first in first_devices) and width % domain == 0
