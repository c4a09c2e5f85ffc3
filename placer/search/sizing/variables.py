"""The variables of the sizing model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ortools.sat.python import cp_model

from placer.plan.placement import Way
from placer.search.quantize import Integers
from placer.search.sizing.problem import Run, SizingProblem

#: Base of the numbers that stages are sorted by; any base sorts, this one tells most contents apart.
RANK_BASE = 16
#: Powers of it, used in turn: the sum over all layers of a model fits 64 bits.
RANK_POWERS = 12

#: A linear expression or a number; CP-SAT's own union of the two cannot be added under mypy.
Sum = Any


@dataclass(frozen=True)
class RunVariables:
    """One run of equal layers.

    Attributes
    ----------
    count
        Layers by placement, in the order of the class's placements.
    starts_on_side, ends_on_side
        Where the run's first layer takes its input, and its last leaves its output.
    hops_to_side
        Hops from host to sidecar between layers inside the run.
    """

    run: Run
    count: tuple[cp_model.IntVar, ...]
    starts_on_side: cp_model.IntVar
    ends_on_side: cp_model.IntVar
    hops_to_side: cp_model.IntVar


@dataclass(frozen=True)
class StageContent:
    """What one stage of a group holds.

    Attributes
    ----------
    count
        Layers by bundle and placement, those that load the group.
    is_visited
        Whether hidden states stop here: at a layer that starts or ends on the group, at embedding or LM head.
    """

    count: dict[tuple[int, int], cp_model.IntVar]
    is_visited: cp_model.IntVar

    def load(self, rows: list[Integers]) -> Sum:
        """Return the sum of ``rows[bundle][placement]`` over what the stage holds."""
        keys = list(self.count)
        weights = [int(rows[bundle][number]) for bundle, number in keys]
        return cp_model.LinearExpr.weighted_sum([self.count[key] for key in keys], weights)

    def rank_of(self, bundle: int) -> Sum:
        """Return a number that tells contents of a bundle apart, for stages of at most `RANK_BASE` layers a way."""
        counts = [count for (owner, _), count in self.count.items() if owner == bundle]
        weights = [RANK_BASE ** (place % RANK_POWERS) for place in range(len(counts))]
        return cp_model.LinearExpr.weighted_sum(counts, weights)

    def of_bundle(self, bundle: int) -> Sum:
        """Return how many layers of a bundle the stage holds."""
        return cp_model.LinearExpr.sum([count for (owner, _), count in self.count.items() if owner == bundle])


@dataclass(frozen=True)
class SizingVariables:
    """All variables.

    Attributes
    ----------
    runs
        The layers.
    embedding_on_side, lm_head_on_side
        Where the ops outside the layers lie.
    junction_to_side, junction_to_host
        Whether hidden states hop before each run, and before the LM head.
    token_hops
        Whether the sampled token returns to the embedding over the link.
    content
        By group: what each stage holds, where the group has several; else empty.
    stage_hops
        By group: hops of hidden states from stage to stage.
    step
        The step time in picoseconds, which is minimised.
    """

    runs: tuple[RunVariables, ...]
    embedding_on_side: cp_model.IntVar
    lm_head_on_side: cp_model.IntVar
    junction_to_side: tuple[cp_model.IntVar, ...]
    junction_to_host: tuple[cp_model.IntVar, ...]
    token_hops: cp_model.IntVar
    content: tuple[tuple[StageContent, ...], tuple[StageContent, ...]]
    stage_hops: tuple[cp_model.IntVar, cp_model.IntVar]
    step: cp_model.IntVar

    def to_side(self) -> Sum:
        """Return how often hidden states hop to the sidecar, those inside ``relay`` layers left out."""
        return cp_model.LinearExpr.sum([*self.junction_to_side, *(run.hops_to_side for run in self.runs)])

    def to_host(self, problem: SizingProblem) -> Sum:
        """Return how often hidden states hop to the host.

        Inside a run that is ``relay + starts - ends + hops_to_side`` (flow balance of `constraints.order`).
        """
        inside = [self.back(problem, index) for index in range(len(self.runs))]
        return cp_model.LinearExpr.sum([*self.junction_to_host, *inside])

    def back(self, problem: SizingProblem, index: int) -> Sum:
        """Return the hops to the host inside one run."""
        run = self.runs[index]
        relay = self.layers_in(problem, index, Way.RELAY)
        return relay + run.starts_on_side - run.ends_on_side + run.hops_to_side

    def layers_in(self, problem: SizingProblem, index: int, *ways: Way) -> Sum:
        """Return how many layers of a run lie in one of some ways."""
        placements = problem.classes[self.runs[index].run.class_index].placements
        chosen = zip(self.runs[index].count, placements, strict=True)
        return cp_model.LinearExpr.sum([count for count, placement in chosen if placement.way in ways])

    def weighted(self, problem: SizingProblem, column: int) -> Sum:
        """Return the sum of one time column over all layers."""
        return cp_model.LinearExpr.sum(
            [
                cp_model.LinearExpr.weighted_sum(
                    variables.count, problem.classes[variables.run.class_index].times[:, column].tolist()
                )
                for variables in self.runs
            ]
        )

    def stage_loads(self, problem: SizingProblem, group: int, rows: list[Integers]) -> list[tuple[Sum, int]]:
        """Return what layers load on a group: a sum, and over how many stages it is spread.

        One entry per stage; a single one for all stages in a fluid problem. ``rows`` by class and placement.
        """
        if self.content[group]:
            owners = [problem.runs[bundle[0]].class_index for bundle in problem.bundles]
            return [(stage.load([rows[owner] for owner in owners]), 1) for stage in self.content[group]]
        everything = [
            cp_model.LinearExpr.weighted_sum(run.count, rows[run.run.class_index].tolist()) for run in self.runs
        ]
        spread = problem.stages[group]
        return [(cp_model.LinearExpr.sum(everything), spread)] if spread else []

    def outside(self, problem: SizingProblem, group: int, stage: int, *, of_bytes: bool) -> Sum:
        """Return what embedding (first stage) and LM head (last stage) take: picoseconds or bytes."""
        total: Sum = 0
        is_spread = not self.content[group]
        ops = (problem.embedding, problem.lm_head)
        on_side = (self.embedding_on_side, self.lm_head_on_side)
        for op, literal, home in zip(ops, on_side, (0, problem.stages[group] - 1), strict=True):
            if is_spread or stage == home:
                load = (op.held_bytes if of_bytes else op.time)[group]
                total = total + (load * literal if group else load - load * literal)
        return total


def sizing_variables(model: cp_model.CpModel, problem: SizingProblem) -> SizingVariables:
    """Add the variables of a problem to a model."""
    side = 1 if problem.has_side else 0
    runs = []
    for run in problem.runs:
        placements = problem.classes[run.class_index].placements
        name = f"run{run.index}"
        runs.append(
            RunVariables(
                run,
                tuple(
                    model.new_int_var(0, run.count, f"{name}.{placement.way}.{placement.num_hot}")
                    for placement in placements
                ),
                model.new_int_var(0, side, f"{name}.starts_on_side"),
                model.new_int_var(0, side, f"{name}.ends_on_side"),
                model.new_int_var(0, side * run.count, f"{name}.hops_to_side"),
            )
        )
    junctions = range(len(runs) + 1)
    host, sidecar = (_stage_contents(model, problem, group) for group in range(2))
    return SizingVariables(
        tuple(runs),
        model.new_int_var(0, side, "embedding_on_side"),
        model.new_int_var(0, side, "lm_head_on_side"),
        tuple(model.new_int_var(0, side, f"junction{i}.to_side") for i in junctions),
        tuple(model.new_int_var(0, side, f"junction{i}.to_host") for i in junctions),
        model.new_int_var(0, side, "token_hops"),
        (host, sidecar),
        _stage_hops(model, problem),
        model.new_int_var(0, problem.longest, "step"),
    )


def _stage_hops(model: cp_model.CpModel, problem: SizingProblem) -> tuple[cp_model.IntVar, cp_model.IntVar]:
    layers = sum(run.count for run in problem.runs)
    host, sidecar = (
        model.new_int_var(0, layers + 1 if stages > 1 else 0, f"group{group}.stage_hops")
        for group, stages in enumerate(problem.stages)
    )
    return host, sidecar


def _stage_contents(model: cp_model.CpModel, problem: SizingProblem, group: int) -> tuple[StageContent, ...]:
    """Add, where a group has several stages, how many layers of every kind each of them holds."""
    if problem.stages[group] < 2 or problem.is_fluid:
        return ()
    contents = []
    for stage in range(problem.stages[group]):
        count = {}
        for number_of_bundle, bundle in enumerate(problem.bundles):
            table = problem.classes[problem.runs[bundle[0]].class_index]
            total = sum(problem.runs[index].count for index in bundle)
            for number in table.loading(group):
                name = f"group{group}.stage{stage}.bundle{number_of_bundle}.{table.placements[number].way}"
                most = min(total, problem.most_per_stage(group, table, number))
                count[number_of_bundle, number] = model.new_int_var(0, most, name)
        contents.append(StageContent(count, model.new_bool_var(f"group{group}.stage{stage}.is_visited")))
    return tuple(contents)
