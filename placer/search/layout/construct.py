"""A quick layout: an even order of layers, and the best cut of it into stages."""

from __future__ import annotations

from placer.search.layout.evaluate import evaluate
from placer.search.layout.layout import Layout, class_of_layer
from placer.search.layout.partition import balance
from placer.search.layout.sequence import order_layers
from placer.search.rows import HOST
from placer.search.sizing.model import Sizing
from placer.search.sizing.problem import SizingProblem


def construct(problem: SizingProblem, sizing: Sizing) -> Layout | None:
    """Return a layout with the counts of a sizing, or None if its stages cannot be cut to fit.

    The order of layers is even, not optimal; for that order the fullest stage of each group is as light as possible.
    """
    order = order_layers(problem, sizing)
    outside = sizing.outside_on_side
    stages = []
    for group in range(2):
        cut = _cut(problem, order, outside, (group, problem.stages[group]))
        if cut is None:
            return None
        stages.append(tuple(cut))
    return Layout(order, (stages[0], stages[1]), outside)


def cut_one_group(problem: SizingProblem) -> tuple[Layout, int] | None:
    """Return the best layout on one group and its step time [ps], exactly; None if the layers do not fit.

    Nothing is to be chosen but the cut into stages. With ``u`` stages in use the fullest is as light as it can be and
    ``u - 1`` hops are paid; the best of all ``u`` is optimal.
    """
    order = (0,) * len(class_of_layer(problem))
    best: tuple[Layout, int] | None = None
    for used in range(problem.stages[0], 0, -1):
        cut = _cut(problem, order, (False, False), (0, used))
        if cut is None:
            break
        layout = Layout(order, (tuple(cut), (0,) * len(order)), (False, False))
        time = evaluate(problem, layout)
        if best is None or time.step < best[1]:
            best = layout, time.step
        if time.busiest >= best[1]:
            break
    return best


def _cut(
    problem: SizingProblem, order: tuple[int, ...], outside: tuple[bool, bool], within: tuple[int, int]
) -> list[int] | None:
    """Return the stage of every layer on one group cut into some stages, embedding first and LM head last."""
    group, num_stages = within
    if not problem.stages[group]:
        return [0] * len(order)
    tables = [problem.classes[index] for index in class_of_layer(problem)]
    busy = [int(table.times[number, HOST + group]) for table, number in zip(tables, order, strict=True)]
    taken = [int(table.turns[group, :, number].max()) for table, number in zip(tables, order, strict=True)]
    pace = problem.in_flight, problem.num_turns(group) if problem.in_flight > 1 else 0
    volumes = [int(table.volumes(group)[number]) for table, number in zip(tables, order, strict=True)]
    ends = (problem.embedding, problem.lm_head)
    head, tail = (
        [(op.time[group], op.time[group] * problem.share(group), op.held_bytes[group])] if on_side == group else []
        for op, on_side in zip(ends, outside, strict=True)
    )
    items = [*head, *zip(busy, taken, volumes, strict=True), *tail]
    loads = [(pace[0] * works, pace[1] * takes) for works, takes, _ in items]
    cut = balance(loads, [size for _, _, size in items], num_stages, problem.capacity[group])
    if cut is None:
        return None
    last = problem.stages[group] - 1
    if tail:
        cut = [last if stage == cut[-1] else stage for stage in cut]
    return cut[len(head) : len(cut) - len(tail)]
