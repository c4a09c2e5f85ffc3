"""What is rented: whole units, everything in a touched one paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from placer.catalog.fleet import Fleet, Pool
from placer.plan.placement import Placement, Role
from placer.plan.service import PrefillPool
from placer.plan.speculation import DrafterPool
from placer.verify.recompute.group import Group


@dataclass(frozen=True)
class Block:
    """The devices of one stage.

    Attributes
    ----------
    where
        Place in the plan.
    pool
        Pool they are of.
    first, width
        Number of the first, and how many follow one another.
    """

    where: str
    pool: Pool
    first: int
    width: int

    @property
    def end(self) -> int:
        """Number behind the last device."""
        return self.first + self.width

    @property
    def is_there(self) -> bool:
        """Whether the inventory has all of them."""
        return self.end <= self.pool.count


def blocks(placement: Placement, groups: Mapping[Role, Group]) -> Iterator[tuple[int, Role, int, int]]:
    """Yield replica, role, stage and first device of every block of devices; unknown roles are left out."""
    for index, replica in enumerate(placement.replicas):
        for role, first_devices in replica.first_device.items():
            if role in groups:
                for stage, first in enumerate(first_devices):
                    yield index, role, stage, first


def replica_blocks(placement: Placement, groups: Mapping[Role, Group]) -> Iterator[Block]:
    """Yield the blocks of all replicas; those of unknown groups are left out."""
    for index, role, stage, first in blocks(placement, groups):
        where = f"placement.replicas[{index}].{role}[{stage}]"
        yield Block(where, groups[role].pool, first, groups[role].shape.width)


def drafter_blocks(drafters: DrafterPool, fleet: Fleet) -> Iterator[Block]:
    """Yield the blocks of devices of a known pool of its own that draft."""
    for index, first in enumerate(drafters.first_device):
        yield Block(f"speculation.pool.first_device[{index}]", fleet.pool(drafters.pool), first, drafters.width)


def prefill_blocks(pools: Sequence[PrefillPool], fleet: Fleet) -> Iterator[Block]:
    """Yield the blocks of all groups that prefill; those of unknown pools are left out."""
    known = {pool.name: pool for pool in fleet.pools}
    for index, pool in enumerate(pools):
        if pool.pool in known:
            for number, first_devices in enumerate(pool.first_devices):
                for stage, first in enumerate(first_devices):
                    where = f"phases.prefill[{index}].first_devices[{number}][{stage}]"
                    yield Block(where, known[pool.pool], first, pool.width)


def rented_devices(of: Iterable[Block]) -> dict[str, int]:
    """Return the devices rented of every pool that is used; blocks beyond the inventory are left out."""
    units: dict[str, set[int]] = {}
    sizes: dict[str, int] = {}
    for block in of:
        if block.is_there:
            sizes[block.pool.name] = block.pool.unit
            touched = range(block.first // block.pool.unit, (block.end - 1) // block.pool.unit + 1)
            units.setdefault(block.pool.name, set()).update(touched)
    return {name: len(touched) * sizes[name] for name, touched in units.items()}


def used_devices(of: Iterable[Block]) -> dict[str, int]:
    """Return the devices that do something, by pool."""
    used: dict[str, int] = {}
    for block in of:
        used[block.pool.name] = used.get(block.pool.name, 0) + block.width
    return used
