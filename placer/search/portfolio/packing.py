"""Blocks of devices in scale-up domains: first fit, and where that fails an exact model (CP-SAT)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from ortools.sat.python import cp_model

from placer.search.adapter import SolveStatus, solve
from placer.search.params import SolveParams
from placer.search.portfolio.problem import PoolRent

#: Work limit of one packing [deterministic s].
WORK_LIMIT_S = 20.0
#: Blocks by size in every bin; a bin is a domain.
Bins = list[dict[int, int]]


def pack(rent: PoolRent, counts: Mapping[int, int], units: int) -> tuple[dict[int, list[int]] | None, bool]:
    """Return where blocks start, so that they touch no more than some units.

    Parameters
    ----------
    rent
        The pool.
    counts
        Number of blocks by size; sizes above the domain are multiples of it and fill whole domains.
    units
        Units that may be touched.

    Returns
    -------
    starts, is_proven
        By size, the pool indices of first devices, or None; and whether None is proven.
    """
    pool = rent.pool
    wide = sorted(size for size in counts if size > pool.domain)
    starts: dict[int, list[int]] = {size: [] for size in counts}
    at = 0
    for size in wide:
        for _ in range(counts[size]):
            starts[size].append(at)
            at += size
    num_bins = rent.domains(units) - at // pool.domain
    small = {size: count for size, count in counts.items() if size <= pool.domain and count}
    if num_bins < 0 or at + sum(size * count for size, count in small.items()) > units * pool.unit:
        return None, True
    spare = units - at // pool.unit
    bins, is_proven = _filled(rent, small, (num_bins, spare))
    if bins is None:
        return None, is_proven
    for index, held in enumerate(bins):
        device = at + index * pool.domain
        for size in sorted(held, reverse=True):
            for _ in range(held[size]):
                starts[size].append(device)
                device += size
    return starts, True


def _filled(rent: PoolRent, small: Mapping[int, int], room: tuple[int, int]) -> tuple[Bins | None, bool]:
    """Return blocks by bin; ``room`` is the number of bins, and units where those are smaller than domains."""
    num_bins, units = room
    capacity = min(rent.pool.domain, rent.pool.count)
    bins = _first_fit(small, num_bins, capacity)
    if bins is not None and _touched(rent, bins) <= units:
        return bins, True
    return _exact(rent, small, room)


def _first_fit(small: Mapping[int, int], num_bins: int, capacity: int) -> Bins | None:
    free, bins = [capacity] * num_bins, [dict[int, int]() for _ in range(num_bins)]
    for size in sorted(small, reverse=True):
        for _ in range(small[size]):
            place = next((index for index, room in enumerate(free) if room >= size), None)
            if place is None:
                return None
            free[place] -= size
            bins[place][size] = bins[place].get(size, 0) + 1
    return bins


def _touched(rent: PoolRent, bins: Bins) -> int:
    """Return the units that are touched where units are smaller than domains; 0 where they are not."""
    if rent.pool.unit >= rent.pool.domain:
        return 0
    return sum(-(-sum(size * count for size, count in held.items()) // rent.pool.unit) for held in bins)


def _exact(rent: PoolRent, small: Mapping[int, int], room: tuple[int, int]) -> tuple[Bins | None, bool]:
    num_bins, units = room
    pool, model = rent.pool, cp_model.CpModel()
    capacity = min(pool.domain, pool.count)
    held = [
        {size: model.new_int_var(0, min(count, capacity // size), f"held[{b},{size}]") for size, count in small.items()}
        for b in range(num_bins)
    ]
    for size, count in small.items():
        model.add(sum(bin_[size] for bin_ in held) == count)
    used = [sum(size * number for size, number in bin_.items()) for bin_ in held]
    for load in used:
        model.add(load <= capacity)
    for before, after in pairwise(used):
        model.add(before >= after)
    if pool.unit < pool.domain:
        touched = [model.new_int_var(0, -(-capacity // pool.unit), f"touched[{b}]") for b in range(num_bins)]
        for load, number_touched in zip(used, touched, strict=True):
            model.add(number_touched * pool.unit >= load)
        model.add(sum(touched) <= units)
    answer = solve(model, SolveParams(), WORK_LIMIT_S)
    if not answer.has_solution:
        return None, answer.status is SolveStatus.INFEASIBLE
    value = answer.solver.value
    return [{size: number for size, var in bin_.items() if (number := value(var))} for bin_ in held], True
