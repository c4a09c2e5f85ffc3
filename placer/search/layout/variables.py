"""The variables of the layout model."""

from __future__ import annotations

from dataclasses import dataclass

from ortools.sat.python import cp_model

from placer.plan.placement import Way
from placer.search.layout.layout import ENDS_ON_SIDE, STARTS_ON_SIDE, class_of_layer
from placer.search.sizing.problem import ClassTable, SizingProblem
from placer.search.sizing.variables import Sum

Literals = list[cp_model.IntVar]


@dataclass(frozen=True)
class LayoutVariables:
    """All variables of a layout model.

    Attributes
    ----------
    problem
        What is to be laid out.
    tables
        Rows of every layer.
    way
        By layer: one literal per placement.
    at
        By group and layer: one literal per stage.
    part
        By group, layer and placement: one literal per stage, true where the layer lies there in that way.
    on_side
        Embedding and LM head: whether they lie on the sidecar.
    hops
        By junction (before every layer, and before the LM head): hop to the sidecar, hop to the host.
    step
        Step time, minimised [ps].
    """

    problem: SizingProblem
    tables: tuple[ClassTable, ...]
    way: list[Literals]
    at: list[list[Literals]]
    part: list[list[list[Literals]]]
    on_side: Literals
    hops: list[Literals]
    step: cp_model.IntVar

    @property
    def groups(self) -> range:
        """Host, and the sidecar where there is one."""
        return range(2 if self.problem.has_side else 1)

    @property
    def num_layers(self) -> int:
        """Number of layers."""
        return len(self.tables)

    def in_ways(self, layer: int, ways: frozenset[Way]) -> Sum:
        """Return 1 where a layer lies in one of some ways, else 0."""
        chosen = zip(self.way[layer], self.tables[layer].placements, strict=True)
        return cp_model.LinearExpr.sum([literal for literal, placement in chosen if placement.way in ways])

    def leaves_side(self, junction: int) -> Sum:
        """Return 1 where hidden states come from the sidecar to a junction."""
        return self.on_side[0] if junction == 0 else self.in_ways(junction - 1, ENDS_ON_SIDE)

    def enters_side(self, junction: int) -> Sum:
        """Return 1 where hidden states go from a junction into the sidecar."""
        return self.on_side[1] if junction == self.num_layers else self.in_ways(junction, STARTS_ON_SIDE)

    def stage_index(self, group: int, layer: int) -> Sum:
        """Return a layer's stage; -1 stands for the embedding, the number of layers for the LM head."""
        if layer < 0:
            return 0
        if layer == self.num_layers:
            return self.problem.stages[group] - 1
        literals = self.at[group][layer]
        return cp_model.LinearExpr.weighted_sum(literals, list(range(len(literals))))

    def stage_loads(self, group: int, rows: list[list[int]]) -> list[Sum]:
        """Return, per stage, the sum of what the chosen ways load; ``rows`` by layer and placement."""
        terms: list[list[Sum]] = [[] for _ in range(self.problem.stages[group])]
        for parts, row in zip(self.part[group], rows, strict=True):
            for literals, load in zip(parts, row, strict=True):
                if load:
                    for stage, literal in enumerate(literals):
                        terms[stage].append(load * literal)
        return [cp_model.LinearExpr.sum(entry) if entry else 0 for entry in terms]

    def outside_load(self, group: int, stage: int, *, of_bytes: bool) -> Sum:
        """Return what embedding (first stage) and LM head (last stage) load on a stage."""
        total: Sum = 0
        ops = (self.problem.embedding, self.problem.lm_head)
        for op, literal, home in zip(ops, self.on_side, (0, self.problem.stages[group] - 1), strict=True):
            if stage == home:
                load = (op.held_bytes if of_bytes else op.time)[group]
                total = total + (load * literal if group else load - load * literal)
        return total


def layout_variables(model: cp_model.CpModel, problem: SizingProblem, at_least: int) -> LayoutVariables:
    """Add the variables of a layout to a model.

    Parameters
    ----------
    model, problem
        Where they go, and what is laid out.
    at_least
        A proven lower bound on the step time [ps].
    """
    tables = tuple(problem.classes[index] for index in class_of_layer(problem))
    groups = range(2 if problem.has_side else 1)
    side = len(groups) - 1
    way = [
        [model.new_bool_var(f"layer{layer}.way{number}") for number in range(len(table.placements))]
        for layer, table in enumerate(tables)
    ]
    at = [
        [
            [model.new_bool_var(f"layer{layer}.group{group}.stage{stage}") for stage in range(problem.stages[group])]
            for layer in range(len(tables))
        ]
        for group in groups
    ]
    part = [[_parts(model, ways, literals) for ways, literals in zip(way, at[group], strict=True)] for group in groups]
    return LayoutVariables(
        problem,
        tables,
        way,
        at,
        part,
        [model.new_int_var(0, side, f"{name}.on_side") for name in ("embedding", "lm_head")],
        [
            [model.new_int_var(0, side, f"junction{junction}.to_{name}") for name in ("side", "host")]
            for junction in range(len(tables) + 1)
        ],
        model.new_int_var(min(at_least, problem.longest), problem.longest, "step"),
    )


def _parts(model: cp_model.CpModel, ways: Literals, at: Literals) -> list[Literals]:
    """Return, by placement and stage, whether a layer lies there in that way, and tie it to both."""
    if len(at) == 1:
        return [[literal] for literal in ways]
    if len(ways) == 1:
        return [at]
    parts = [[model.new_bool_var("") for _ in at] for _ in ways]
    for literal, row in zip(ways, parts, strict=True):
        model.add(cp_model.LinearExpr.sum(row) == literal)
    for stage, literal in enumerate(at):
        model.add(cp_model.LinearExpr.sum([row[stage] for row in parts]) == literal)
    return parts
