"""Which devices of the inventory the groups get: replicas and stages one after the other, domain by domain."""

from __future__ import annotations

from placer.catalog.fleet import Pool
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
