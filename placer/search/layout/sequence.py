"""An order for the layers, given how many of each run and stage lie in which way.

Layers of a class are interchangeable, so an order is a choice of ways, class by class. It follows the stages of the
host where sizing dealt layers to them, else those of the sidecar, else it mixes ways evenly; `away` layers come
right after `relay` layers, which already left their output on the sidecar.
"""

from __future__ import annotations

from placer.plan.placement import Way
from placer.search.sizing.model import Sizing
from placer.search.sizing.problem import ClassTable, Run, SizingProblem

_STAYING = (Way.NEAR, Way.DIRECT, Way.SPLIT)


def interleave(first: list[list[int]], second: list[list[int]]) -> list[int]:
    """Merge two lists of blocks evenly and flatten them.

    >>> interleave([[1], [1], [1], [1]], [[2], [2]])
    [1, 2, 1, 1, 2, 1]
    """
    long, short = (first, second) if len(first) >= len(second) else (second, first)
    merged: list[int] = []
    taken = 0
    for position, block in enumerate(long, start=1):
        merged += block
        while taken < len(short) and (2 * taken + 1) * len(long) <= 2 * position * len(short):
            merged += short[taken]
            taken += 1
    for block in short[taken:]:
        merged += block
    return merged


def _numbers(table: ClassTable, counts: dict[int, int], *ways: Way) -> list[int]:
    """Return placement numbers, each as often as it is counted."""
    return [
        number
        for number, entry in enumerate(table.placements)
        if entry.way in ways
        for _ in range(counts.get(number, 0))
    ]


def _excursions(table: ClassTable, counts: dict[int, int]) -> list[list[int]]:
    """Return blocks that leave output on the sidecar: relays, each with its share of the away layers."""
    relays, aways = _numbers(table, counts, Way.RELAY), _numbers(table, counts, Way.AWAY)
    if not relays:
        return [aways] if aways else []
    share, rest = divmod(len(aways), len(relays))
    return [[relay] + aways[:1] * (share + (position < rest)) for position, relay in enumerate(relays)]


def mixed(table: ClassTable, counts: dict[int, int], *, from_side: bool) -> list[int]:
    """Return an even order of the layers of one run.

    Parameters
    ----------
    table
        Placements of the class.
    counts
        Layers by placement number.
    from_side
        Whether hidden states come from the sidecar; decides on which end a lone block of `away` layers goes.
    """
    staying = _numbers(table, counts, *_STAYING)
    blocks = _excursions(table, counts)
    if blocks and not _numbers(table, counts, Way.RELAY):
        return blocks[0] + staying if from_side else staying + blocks[0]
    return interleave([[number] for number in staying], blocks)


def _by_stage(problem: SizingProblem, sizing: Sizing) -> list[list[int]]:
    """Return, by bundle, the ways of its layers in the order the leading group's stages hold them.

    Inside a stage relays come last: hidden states then hop to the next stage on their way back to the host.
    """
    leading = next(contents for contents in sizing.content if contents)
    ordered: list[list[int]] = []
    for number_of_bundle, bundle in enumerate(problem.bundles):
        table = problem.classes[problem.runs[bundle[0]].class_index]
        left = {
            number: sum(sizing.counts[index][number] for index in bundle) for number in range(len(table.placements))
        }
        order: list[int] = []
        for stage in leading:
            held = {number: count for (owner, number), count in stage.items() if owner == number_of_bundle}
            left = {number: count - held.get(number, 0) for number, count in left.items()}
            order += _numbers(table, held, *_STAYING)
            order += [number for block in _excursions(table, held) for number in block]
        rest = mixed(table, left, from_side=False)
        ordered.append(interleave([[number] for number in order], [[number] for number in rest]) if order else rest)
    return ordered


def order_layers(problem: SizingProblem, sizing: Sizing) -> tuple[int, ...]:
    """Return a placement index for every layer.

    Parameters
    ----------
    problem
        Runs and placements.
    sizing
        Counts by run and placement, and by stage where groups have several.
    """
    if any(sizing.content):
        queues = [iter(order) for order in _by_stage(problem, sizing)]
        bundle_of = {index: number for number, bundle in enumerate(problem.bundles) for index in bundle}
        return tuple(next(queues[bundle_of[run.index]]) for run in problem.runs for _ in range(run.count))
    order: list[int] = []
    from_side = sizing.outside_on_side[0]
    for run, counts in zip(problem.runs, sizing.counts, strict=True):
        order += mixed(problem.classes[run.class_index], dict(enumerate(counts)), from_side=from_side)
        from_side = _ends_on_side(problem, run, order[-1])
    return tuple(order)


def _ends_on_side(problem: SizingProblem, run: Run, number: int) -> bool:
    return problem.classes[run.class_index].placements[number].way in {Way.AWAY, Way.RELAY}
