"""The step time of a layout, in the integers of its sizing problem."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from placer.search.layout.layout import Layout, class_of_layer, visits
from placer.search.quantize import Integers
from placer.search.rows import HOST, HOST_FABRIC, HOST_OUT, PATH
from placer.search.sizing.problem import SizingProblem

#: Names of the groups' devices; fabrics and ports are called after them.
RESOURCES = ("host", "sidecar")


@dataclass(frozen=True)
class StepTime:
    """How long a step takes, and whether it fits.

    Attributes
    ----------
    path
        Critical path of one microbatch [ps].
    fits
        Whether weights and KV cache fit every device.
    busy
        By resource: its longest busy time on any stage, all microbatches in flight counted [ps]; and, with several
        microbatches, how long all turns of a step take the fullest stage of a group.
    """

    path: int
    fits: bool
    busy: dict[str, int]

    @property
    def busiest(self) -> int:
        """Longest any device, fabric or port is busy, or a stage taken by turns [ps]."""
        return max(self.busy.values())

    @property
    def step(self) -> int:
        """Step time [ps]."""
        return max(self.path, self.busiest)


def evaluate(problem: SizingProblem, layout: Layout) -> StepTime:
    """Return the step time of a layout."""
    classes = class_of_layer(problem)
    rows = [problem.classes[index].times[number] for index, number in zip(classes, layout.placements, strict=True)]
    hops, path_hops = _hops(problem, layout)
    outside = (problem.embedding, problem.lm_head)
    path = sum(int(row[PATH]) for row in rows) + path_hops
    path += (
        sum(op.time[on_side] for op, on_side in zip(outside, layout.outside_on_side, strict=True))
        + problem.drafter.waiting
    )
    busy, turns, fits = dict[str, int](), dict[str, int](), True
    for group, name in enumerate(RESOURCES[: 2 if problem.has_side else 1]):
        stages = np.array(layout.stages[group])
        device = _by_stage(problem, group, stages, [int(row[HOST + group]) for row in rows])
        fabric = _by_stage(problem, group, stages, [int(row[HOST_FABRIC + group]) for row in rows])
        held = _by_stage(problem, group, stages, _volumes(problem, layout, group))
        extra = np.zeros_like(device)
        for op, on_side, stage in zip(outside, layout.outside_on_side, (0, -1), strict=True):
            if on_side == group:
                extra[stage] += op.time[group]
                device[stage] += op.time[group]
                held[stage] += op.held_bytes[group]
        for chain in problem.chains_of(group):
            taken = _by_stage(problem, group, stages, _turns(problem, layout, (group, chain)))
            taken += extra * problem.outside_turn(group, chain)
            name_of_turns = f"{name} turns"
            turns[name_of_turns] = max(turns.get(name_of_turns, 0), problem.num_turns(group) * int(taken.max()))
        fits = fits and bool(held.max() <= problem.capacity[group])
        busy[name], busy[f"{name} fabric"] = int(device.max()), int(fabric.max())
        busy |= _ports(problem, group, stages, (rows, hops))
    beside = {"drafter": problem.least} if problem.least else {}
    return StepTime(path, fits, {name: time * problem.in_flight for name, time in busy.items()} | turns | beside)


def hops_of(problem: SizingProblem, layout: Layout) -> int:
    """Return the time of all hops between layers on the critical path [ps]."""
    return _hops(problem, layout)[1]


def _by_stage(problem: SizingProblem, group: int, stages: Integers, loads: list[int]) -> Integers:
    total = np.zeros(problem.stages[group], dtype=np.int64)
    np.add.at(total, stages, np.array(loads, dtype=np.int64))
    return total


def _volumes(problem: SizingProblem, layout: Layout, group: int) -> list[int]:
    tables = [problem.classes[index] for index in class_of_layer(problem)]
    columns = [table.volumes(group) for table in tables]
    return [int(volume[number]) for volume, number in zip(columns, layout.placements, strict=True)]


def _turns(problem: SizingProblem, layout: Layout, of: tuple[int, int]) -> list[int]:
    rows = [problem.classes[index].turns[of] for index in class_of_layer(problem)]
    return [int(row[number]) for row, number in zip(rows, layout.placements, strict=True)]


def _hops(problem: SizingProblem, layout: Layout) -> tuple[Counter[tuple[int, int, int]], int]:
    """Return the hops of hidden states between groups, and the time of all hops on the path.

    Hops are counted by direction (0 to the sidecar, 1 to the host), group and stage: once where they leave and once
    where they arrive.
    """
    stations = visits(problem, layout)
    crossing, hops, total = problem.crossing, Counter[tuple[int, int, int]](), 0
    for before, after in pairwise(stations):
        (group, stage), (next_group, next_stage) = before.leaves, after.enters
        if group != next_group:
            direction = 0 if next_group else 1
            total += crossing.to_host if direction else crossing.to_side
            hops[direction, group, stage] += 1
            hops[direction, next_group, next_stage] += 1
        elif stage != next_stage:
            total += crossing.stage[group]
    (last, last_stage), (first, first_stage) = stations[-1].leaves, stations[0].enters
    if last != first:
        total += crossing.token
    elif last_stage != first_stage:
        total += crossing.stage_token[first]
    return hops, total


def _ports(
    problem: SizingProblem,
    group: int,
    stages: Integers,
    traffic: tuple[list[Integers], Counter[tuple[int, int, int]]],
) -> dict[str, int]:
    """Return the longest a stage's port is busy per microbatch, by direction."""
    if not problem.has_side:
        return {}
    rows, hops = traffic
    longest = {}
    for port, direction_name in zip((2 * group, 2 * group + 1), ("out", "in"), strict=True):
        busy = _by_stage(problem, group, stages, [int(row[HOST_OUT + port]) for row in rows])
        for (direction, at, stage), count in hops.items():
            if at == group:
                busy[stage] += count * problem.crossing.ports[direction][port]
        longest[f"{RESOURCES[group]} {direction_name}"] = int(busy.max())
    return longest
