"""A layout: the way and the stages of every layer."""

from __future__ import annotations

from dataclasses import dataclass

from placer.plan.placement import Way
from placer.search.rows import Placement
from placer.search.sizing.problem import SizingProblem

#: Ways whose layer takes its input, and ways whose layer leaves its output, on the sidecar.
STARTS_ON_SIDE = frozenset({Way.AWAY})
ENDS_ON_SIDE = frozenset({Way.AWAY, Way.RELAY})


@dataclass(frozen=True)
class Layout:
    """Where every layer lies.

    Attributes
    ----------
    placements
        Placement of every layer, as an index into its class's placements.
    stages
        Stage of every layer's part, on host and on sidecar; rising with the layers, and of no meaning where a layer
        has no part there.
    outside_on_side
        Whether embedding and LM head lie on the sidecar; the embedding is in its group's first stage, the LM head in
        the last.
    """

    placements: tuple[int, ...]
    stages: tuple[tuple[int, ...], tuple[int, ...]]
    outside_on_side: tuple[bool, bool]


@dataclass(frozen=True)
class Visit:
    """What hidden states see of one layer, of the embedding or of the LM head: side and stage, in and out."""

    enters: tuple[int, int]
    leaves: tuple[int, int]


def class_of_layer(problem: SizingProblem) -> tuple[int, ...]:
    """Return the class of every layer."""
    return tuple(run.class_index for run in problem.runs for _ in range(run.count))


def placement_of(problem: SizingProblem, layout: Layout, layer: int) -> Placement:
    """Return how a layer lies."""
    return problem.classes[class_of_layer(problem)[layer]].placements[layout.placements[layer]]


def visits(problem: SizingProblem, layout: Layout) -> list[Visit]:
    """Return the stations of a microbatch: embedding, layers, LM head."""
    classes = class_of_layer(problem)
    first_side, last_side = (int(on_side) for on_side in layout.outside_on_side)
    stations = [Visit((first_side, 0), (first_side, 0))]
    for layer, index in enumerate(classes):
        way = problem.classes[index].placements[layout.placements[layer]].way
        start, end = int(way in STARTS_ON_SIDE), int(way in ENDS_ON_SIDE)
        stations.append(Visit((start, layout.stages[start][layer]), (end, layout.stages[end][layer])))
    last = (last_side, problem.stages[last_side] - 1)
    return [*stations, Visit(last, last)]
