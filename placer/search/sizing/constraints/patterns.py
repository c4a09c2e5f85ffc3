"""Whole layers in stages that hold few: what fits one stage together, counted (Gilmore and Gomory 1961)."""

from __future__ import annotations

from functools import lru_cache

from ortools.sat.python import cp_model

from placer.search.rows import HOST
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables, Sum

#: With more of them the patterns of a group are left out; a group whose stages hold many layers is near to fluid.
MOST_PATTERNS = 150

#: Bytes, and busy time of all microbatches in flight.
Size = tuple[int, int]


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for patterns ``a`` of what one stage can hold: ``n[p] <= sum of a[p] y[a]`` and ``sum of y[a] <= stages``.

    Embedding and LM head count as layers. Every stage holds part of some pattern, so no plan is lost; where stages are
    told apart the patterns are implied, and shorten the proof.
    """
    for group in range(2):
        if problem.stages[group] < 2:
            continue
        items = _items(variables, problem, group)
        sizes = tuple(sorted(items, reverse=True))
        found = patterns(sizes, (problem.capacity[group], problem.longest))
        if found is None:
            continue
        used = [model.new_int_var(0, problem.stages[group], f"group{group}.pattern{i}") for i in range(len(found))]
        model.add(cp_model.LinearExpr.sum(used) <= problem.stages[group])
        for number, size in enumerate(sizes):
            offered = cp_model.LinearExpr.weighted_sum(used, [pattern[number] for pattern in found])
            model.add(cp_model.LinearExpr.sum(items[size]) <= offered)


def _items(variables: SizingVariables, problem: SizingProblem, group: int) -> dict[Size, list[Sum]]:
    """Return the numbers of layers that load a group, by what they take of a stage."""
    items: dict[Size, list[Sum]] = {}
    for run in variables.runs:
        table = problem.classes[run.run.class_index]
        held, busy = table.volumes(group).tolist(), table.times[:, HOST + group].tolist()
        for count, volume, time in zip(run.count, held, busy, strict=True):
            if volume or time:
                items.setdefault((volume, time * problem.in_flight), []).append(count)
    on_side = (variables.embedding_on_side, variables.lm_head_on_side)
    for op, literal in zip((problem.embedding, problem.lm_head), on_side, strict=True):
        size = op.held_bytes[group], op.time[group] * problem.in_flight
        if any(size):
            items.setdefault(size, []).append(literal if group else 1 - literal)
    return items


@lru_cache(maxsize=4_096)
def patterns(sizes: tuple[Size, ...], limits: Size) -> tuple[tuple[int, ...], ...] | None:
    """Return how many of each size fit together, for all choices to which nothing can be added; None if too many.

    Parameters
    ----------
    sizes
        Largest first.
    limits
        Bytes and time of a stage.

    Examples
    --------
    >>> patterns(((5, 0), (3, 0)), (8, 0))
    ((1, 1), (0, 2))
    """
    found: list[tuple[int, ...]] = []

    def fits(size: Size, room: Size) -> bool:
        return size[0] <= room[0] and size[1] <= room[1]

    def extend(chosen: tuple[int, ...], room: Size) -> bool:
        if len(chosen) == len(sizes):
            if not any(fits(size, room) for size in sizes):
                found.append(chosen)
            return len(found) <= MOST_PATTERNS
        size = sizes[len(chosen)]
        most = min((left // taken for taken, left in zip(size, room, strict=True) if taken), default=0)
        if most > MOST_PATTERNS:
            return False
        is_last = len(chosen) + 1 == len(sizes)
        return all(
            extend((*chosen, number), (room[0] - number * size[0], room[1] - number * size[1]))
            for number in range(most, most - 1 if is_last else -1, -1)
        )

    return tuple(found) if extend((), limits) else None
