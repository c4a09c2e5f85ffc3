"""A quick layout: an even order of layers, and the best cut of it into stages."""

from __future__ import annotations

from placer.search.layout.evaluate import evaluate
from placer.search.layout.layout import Layout, class_of_layer
from placer.search.layout.partition import Load, balance
from placer.search.layout.sequence import order_layers
from placer.search.rows import HOST
from placer.search.sizing.model import Sizing
from placer.search.sizing.problem import ClassTable, Outside, SizingProblem


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
    placed = list(zip(tables, order, strict=True))
    volumes = [int(table.volumes(group)[number]) for table, number in placed]
    head, tail = (
        [op] if int(on_side) == group else []
        for op, on_side in zip((problem.embedding, problem.lm_head), outside, strict=True)
    )
    loads = [
        *(_load_outside(problem, op, group) for op in head),
        *(_load(problem, table, (group, number)) for table, number in placed),
        *(_load_outside(problem, op, group) for op in tail),
    ]
    held = [*(op.held_bytes[group] for op in head), *volumes, *(op.held_bytes[group] for op in tail)]
    cut = balance(loads, held, num_stages, problem.capacity[group])
    if cut is None:
        return None
    last = problem.stages[group] - 1
    if tail:
        cut = [last if stage == cut[-1] else stage for stage in cut]
    return cut[len(head) : len(cut) - len(tail)]


def _load(problem: SizingProblem, table: ClassTable, placed: tuple[int, int]) -> Load:
    """Return how long a layer keeps a stage in a step: its devices busy, and the stage taken by all turns."""
    group, number = placed
    turns = problem.num_turns(group)
    chains = (turns * int(table.turns[group, chain, number]) for chain in problem.chains_of(group))
    return (problem.in_flight * int(table.times[number, HOST + group]), *chains)


def _load_outside(problem: SizingProblem, op: Outside, group: int) -> Load:
    taken, chains = problem.num_turns(group) * op.time[group], problem.chains_of(group)
    return (problem.in_flight * op.time[group], *(taken * problem.outside_turn(group, chain) for chain in chains))
