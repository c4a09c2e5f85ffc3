"""What replicas cost: rented units, dollars per hour, dollars per token (physics G1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.catalog.fleet import Fleet, Pool
from placer.cost.prefill import PrefillKind
from placer.cost.shape import GroupShape
from placer.errors import CatalogError

SECONDS_PER_HOUR = 3600.0
TOKENS_PER_MILLION = 1e6
WATTS_PER_MEGAWATT = 1e6

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def rented_devices(pool: Pool, shape: GroupShape, replicas: Integers) -> Integers:
    """Return how many devices must be rented so that every replica has its group.

    A group that fits a scale-up domain lies in one; else each of its stages does; a stage wider than a domain takes
    whole domains. What a rented unit leaves idle is paid for.

    Parameters
    ----------
    pool
        Unit and domain.
    shape
        The group of one replica.
    replicas : ndarray of int
        How many replicas.

    Returns
    -------
    ndarray of int, same shape
        Devices rented, a multiple of the unit; may exceed the inventory.
    """
    size, per_group = block_of(pool, shape)
    return shared_devices(pool, (size, replicas * per_group), np.ones_like(replicas), np.zeros_like(replicas))


def block_of(pool: Pool, shape: GroupShape) -> tuple[int, int]:
    """Return the devices that must lie together, and how many such blocks a group has.

    The whole group where it fits a scale-up domain, else a stage, else a domain.
    """
    if shape.num_devices <= pool.domain:
        return shape.num_devices, 1
    if shape.width <= pool.domain:
        return shape.width, shape.stages
    return pool.domain, shape.num_devices // pool.domain


def shared_devices(pool: Pool, first: tuple[int, Integers], size: Integers, blocks: Integers) -> Integers:
    """Return how many devices must be rented for two kinds of blocks that share rented units.

    Blocks of the first kind lie as `rented_devices` has them; the others fill what domains have left, then empty ones.

    Parameters
    ----------
    pool
        Unit and domain.
    first
        Size of the first kind of block, and ndarray of how many; broadcasts with the rest.
    size, blocks : ndarray of int
        Sizes, from 1 to the domain's, and numbers of the second kind.

    Returns
    -------
    ndarray of int
        Devices rented, a multiple of the unit; may exceed the inventory.
    """
    first_size, first_blocks = first
    per_first, per_second = pool.domain // first_size, pool.domain // size
    full, rest = np.divmod(first_blocks, per_first)
    hole, partial = (pool.domain - per_first * first_size) // size, (pool.domain - rest * first_size) // size
    in_full = np.minimum(blocks, full * hole)
    in_partial = np.minimum(blocks - in_full, np.where(rest > 0, partial, 0))
    new, new_rest = np.divmod(blocks - in_full - in_partial, per_second)

    def units(devices: Integers) -> Integers:
        return -(-devices // pool.unit) * pool.unit

    if pool.unit >= pool.domain:
        return np.asarray(units((full + (rest > 0) + new + (new_rest > 0)) * pool.domain))
    filled, more = np.divmod(in_full, np.maximum(hole, 1))
    whole = per_first * first_size
    touched = filled * units(whole + hole * size) + (full - filled) * units(whole + 0 * size)
    touched = touched + np.where(more > 0, units(whole + more * size) - units(whole + 0 * size), 0)
    touched = touched + np.where(rest > 0, units(rest * first_size + in_partial * size), 0)
    return np.asarray(touched + new * units(per_second * size) + np.where(new_rest > 0, units(new_rest * size), 0))


def most_groups(pool: Pool, shape: GroupShape) -> int:
    """Return how many groups the inventory's domains hold."""
    if shape.num_devices <= pool.domain:
        domains = max(1, pool.count // pool.domain)
        return min(pool.count // shape.num_devices, domains * (pool.domain // shape.num_devices))
    if shape.width <= pool.domain:
        stages = pool.count // pool.domain * (pool.domain // shape.width)
        return min(pool.count // shape.num_devices, stages // shape.stages)
    return pool.count // shape.num_devices


def usd_per_million_tokens(usd_per_hour: float, tokens_per_s: float) -> float:
    """Return ``1e6 c / (3600 r)`` (physics G1).

    >>> usd_per_million_tokens(3.6, 1000.0)
    1.0
    """
    return TOKENS_PER_MILLION * usd_per_hour / (SECONDS_PER_HOUR * tokens_per_s)


def tokens_per_s_per_mw(tokens_per_s: float, power_w: float) -> float:
    """Return throughput per megawatt, ``1e6 r / P`` (physics G2); ``power_w`` has the PUE in it.

    >>> tokens_per_s_per_mw(1000.0, 500_000.0)
    2000.0
    """
    return WATTS_PER_MEGAWATT * tokens_per_s / power_w


def known_usd_per_hour(fleet: Fleet, pool: Pool) -> float:
    """Return what one device of a pool costs an hour.

    Raises
    ------
    CatalogError
        If its price cannot be told on the fleet's basis.
    """
    price = fleet.usd_per_hour(pool.name)
    if price is None:
        raise CatalogError(f'{pool.device} has no price on the basis "{fleet.price_basis}"', where=fleet.name)
    return price


@dataclass(frozen=True)
class Rental:
    """What a number of replicas takes from the fleet.

    Attributes
    ----------
    replicas
        How many.
    devices
        Rented devices by pool.
    usd_per_hour, power_w
        Their price, and their power with the PUE in it.
    prefill
        Kinds of prefill groups among them, and how many of each.
    prompts_per_s
        Requests that all of it serves at full load; None where only decode is planned.
    """

    replicas: int
    devices: dict[str, int]
    usd_per_hour: float
    power_w: float
    prefill: tuple[tuple[PrefillKind, int], ...] = ()
    prompts_per_s: float | None = None


@dataclass(frozen=True)
class RentalTable:
    """Every number of replicas of given groups that the inventory allows; arrays of equal length.

    Attributes
    ----------
    pools
        Pools the groups come from.
    replicas, devices
        Numbers of replicas, and by pool the devices rented for each.
    usd_per_hour, power_w
        Price and power.
    """

    pools: tuple[str, ...]
    replicas: Integers
    devices: tuple[Integers, ...]
    usd_per_hour: Floats
    power_w: Floats

    def within(self, cost_cap: float | None, power_cap: float | None) -> RentalTable:
        """Return the entries that respect caps on US dollars per hour and watts."""
        keep = np.ones(len(self.replicas), dtype=bool)
        if cost_cap is not None:
            keep &= self.usd_per_hour <= cost_cap
        if power_cap is not None:
            keep &= self.power_w <= power_cap
        return self if keep.all() else self.kept(keep)

    def kept(self, keep: NDArray[np.bool_]) -> RentalTable:
        """Return some of the entries."""
        devices = tuple(rented[keep] for rented in self.devices)
        return RentalTable(self.pools, self.replicas[keep], devices, self.usd_per_hour[keep], self.power_w[keep])

    def rental(self, index: int) -> Rental:
        """Return one entry."""
        devices = {name: int(rented[index]) for name, rented in zip(self.pools, self.devices, strict=True)}
        return Rental(int(self.replicas[index]), devices, float(self.usd_per_hour[index]), float(self.power_w[index]))


def rental_table(fleet: Fleet, shapes: tuple[GroupShape, ...]) -> RentalTable:
    """Return every number of replicas of some groups, of different pools, that the inventory allows."""
    pools = [fleet.pool(shape.pool) for shape in shapes]
    most = min(most_groups(pool, shape) for pool, shape in zip(pools, shapes, strict=True))
    replicas = np.arange(1, most + 1, dtype=np.int64)
    devices = tuple(rented_devices(pool, shape, replicas) for pool, shape in zip(pools, shapes, strict=True))
    fits = np.ones(len(replicas), dtype=bool)
    usd_per_hour, power_w = np.zeros(len(replicas)), np.zeros(len(replicas))
    for pool, rented in zip(pools, devices, strict=True):
        fits &= rented <= pool.count
        usd_per_hour += rented * known_usd_per_hour(fleet, pool)
        power_w += rented * fleet.power_w(pool.name)
    table = RentalTable(tuple(pool.name for pool in pools), replicas, devices, usd_per_hour, power_w)
    return table.kept(fits)
