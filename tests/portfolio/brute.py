"""Brute force over small portfolios: every number of replicas, every set of slots, every way to fill domains."""

from itertools import product


def cheapest(problem):
    """Return the least rent of any choice that serves all models in time and fits, or None."""
    rents = [
        sum(rent_of(problem, pool, blocks) for pool, blocks in held.items())
        for replicas, slots, groups in choices(problem)
        if is_served(problem, replicas, slots, groups) and in_time(problem, replicas, slots, groups)
        for held in [blocks_of(problem, replicas, slots, groups)]
        if all(rent_of(problem, pool, blocks) is not None for pool, blocks in held.items())
    ]
    return min(rents, default=None)


def choices(problem):
    """Yield replicas by column, slots, and by column the groups that prefill for it, or None."""
    numbers = [range(column.most + 1) for column in problem.columns]
    flags = [(0, 1)] * len(problem.slots)
    for chosen in product(*numbers, *flags):
        replicas = chosen[: len(numbers)]
        slots = [slot for slot, flag in zip(problem.slots, chosen[len(numbers) :], strict=True) if flag]
        own = [
            [each for each in problem.prefills if each.column == index] if column.needs_prefill and number else [None]
            for index, (column, number) in enumerate(zip(problem.columns, replicas, strict=True))
        ]
        for groups in product(*own):
            yield replicas, slots, groups


def is_served(problem, replicas, slots, groups):
    for model, demand in enumerate(problem.demands):
        own = [(c, n, g) for c, n, g in zip(problem.columns, replicas, groups, strict=True) if c.model == model and n]
        turns = sum(turn.model == model for slot in slots for turn in slot.turns)
        made = sum(min(c.rate * n, g.rate) if c.needs_prefill else c.rate * n for c, n, g in own)
        if turns + bool(own) != 1 or (own and made < demand):
            return False
    return True


def in_time(problem, replicas, slots, groups):
    times = [(c.model, c.tpot_quanta, c.base_quanta) for c, n in zip(problem.columns, replicas, strict=True) if n]
    times += [(c.model, 0, g.base_quanta) for c, g in zip(problem.columns, groups, strict=True) if g]
    times += [(turn.model, turn.tpot_quanta, turn.base_quanta) for slot in slots for turn in slot.turns]

    def slowest(model, side):
        return max(time[side] for time in times if time[0] == model)

    for chain in problem.chains:
        for path in paths(chain.calls):
            length = sum(
                slowest(call.model, 2) + call.output_tokens * slowest(call.model, 1)
                for call in (chain.calls[i] for i in path)
            )
            if length > chain.limit_quanta:
                return False
    return True


def paths(calls):
    """Every path of calls, each after the one before."""

    def ending(index):
        yield (index,)
        for before in calls[index].after:
            for path in ending(before):
                yield (*path, index)

    for index in range(len(calls)):
        yield from ending(index)


def blocks_of(problem, replicas, slots, groups):
    held = {pool: [] for pool in problem.pools}
    for column, number in zip(problem.columns, replicas, strict=True):
        for block in column.blocks:
            held[block.pool] += [block.size] * (block.count * number)
    for block in (block for chosen in groups if chosen for block in chosen.blocks):
        held[block.pool] += [block.size] * block.count
    for slot in slots:
        held[slot.block.pool].append(slot.block.size)
    return held


def rent_of(problem, pool, blocks):
    """Return the least rent of blocks in one pool, over all ways to fill its domains, or None."""
    rent = problem.pools[pool]
    domain, unit = rent.pool.domain, rent.pool.unit
    num_domains = max(1, rent.pool.count // domain)
    room = min(domain, rent.pool.count)
    wide = sum(size // domain for size in blocks if size > domain)
    small = sorted((size for size in blocks if size <= domain), reverse=True)
    units = (
        least_units(small, [room] * (num_domains - wide), (room, unit, domain, wide)) if wide <= num_domains else None
    )
    return None if units is None else units * rent.usd_per_unit_hour


def least_units(small, free, shape):
    room, unit, domain, wide = shape
    if not small:
        used = [room - left for left in free if left < room]
        if unit >= domain:
            return -(-(len(used) + wide) * domain // unit)
        return sum(-(-load // unit) for load in used) + wide * domain // unit
    best = None
    for index in {left: i for i, left in enumerate(free)}.values():
        if free[index] >= small[0]:
            after = [*free[:index], free[index] - small[0], *free[index + 1 :]]
            found = least_units(small[1:], after, shape)
            best = found if best is None else best if found is None else min(best, found)
    return best
