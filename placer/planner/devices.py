"""Which devices of the inventory the groups get: replicas and stages one after the other, domain by domain."""

from __future__ import annotations

from placer.catalog.fleet import Pool
from placer.cost.money import block_of
from placer.cost.shape import GroupShape


def first_devices(pool: Pool, shape: GroupShape, replicas: int) -> tuple[tuple[int, ...], ...]:
    """Return the pool index of the first device of every stage, by replica.

    A group that fits a scale-up domain lies in one; else each of its stages does; a stage wider than a domain takes
    whole domains.

    Examples
    --------
    >>> pool = Pool(name="p", device="d", count=8, domain=4, unit=4, scale_up="l", scale_out="l")
    >>> first_devices(pool, GroupShape("p", 1, 3, 1, 1), 2)
    ((0,), (4,))
    """
    if shape.num_devices <= pool.domain:
        per_domain = pool.domain // shape.num_devices
        starts = [(r // per_domain) * pool.domain + (r % per_domain) * shape.num_devices for r in range(replicas)]
        return tuple(tuple(start + stage * shape.width for stage in range(shape.stages)) for start in starts)
    if shape.width <= pool.domain:
        per_domain = pool.domain // shape.width
        blocks = [
            (block // per_domain) * pool.domain + (block % per_domain) * shape.width
            for block in range(replicas * shape.stages)
        ]
    else:
        blocks = [block * shape.width for block in range(replicas * shape.stages)]
    return tuple(tuple(blocks[r * shape.stages : (r + 1) * shape.stages]) for r in range(replicas))


def beside(
    pool: Pool, taken: tuple[GroupShape, int] | None, shape: GroupShape, groups: int
) -> tuple[tuple[int, ...], ...]:
    """Return the pool index of the first device of every stage, by group, for groups beside replicas of another shape.

    They fill what `first_devices` leaves of the scale-up domains, in order; `placer.cost.money.shared_devices` counts
    the same.

    Parameters
    ----------
    pool
        Whose devices.
    taken
        Shape and number of the replicas that are there already.
    shape, groups
        What is added.

    Examples
    --------
    >>> pool = Pool(name="p", device="d", count=8, domain=4, unit=4, scale_up="l", scale_out="l")
    >>> beside(pool, (GroupShape("p", 1, 3, 1, 1), 1), GroupShape("p", 1, 1, 1, 1), 2)
    ((3,), (4,))
    """
    used = dict.fromkeys(range(-(-pool.count // pool.domain)), 0)
    if taken is not None:
        size, per_replica = block_of(pool, taken[0])
        for block in range(taken[1] * per_replica):
            used[block // (pool.domain // size)] += size
    size, per_group = block_of(pool, shape)
    starts: list[int] = []
    for domain, full in used.items():
        room = (min(pool.domain, pool.count - domain * pool.domain) - full) // size
        starts += [domain * pool.domain + full + size * number for number in range(room)]
    width_blocks = max(1, shape.width // pool.domain) if shape.num_devices > pool.domain else 1
    if shape.num_devices <= pool.domain:
        return tuple(tuple(starts[g] + stage * shape.width for stage in range(shape.stages)) for g in range(groups))
    chosen = starts[: groups * per_group : width_blocks]
    return tuple(tuple(chosen[g * shape.stages : (g + 1) * shape.stages]) for g in range(groups))
