"""The stages of a group hold, together and in order, the layers placed on it."""

from __future__ import annotations

from itertools import pairwise

from ortools.sat.python import cp_model

from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables, StageContent

#: With more stages sorting them costs more than it saves.
MOST_SORTED_STAGES = 32


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for every group of several stages, bundle ``r`` and placement ``p``: ``sum over s of c[s, r, p] = n[r, p]``.

    Where bundles are single runs, later runs lie in later stages: with ``h[s]`` telling whether run ``r + 1`` has begun
    by stage ``s``, ``c[s, r + 1] > 0`` needs ``h[s]`` and ``c[s + 1, r] > 0`` forbids it. Twin in ``verify``: residency
    and order.
    """
    for contents in variables.content:
        for bundle, number in contents[0].count if contents else ():
            placed = [variables.runs[index].count[number] for index in problem.bundles[bundle]]
            held = [stage.count[bundle, number] for stage in contents]
            model.add(cp_model.LinearExpr.sum(held) == cp_model.LinearExpr.sum(placed))
        if contents and len(problem.bundles) == len(problem.runs):
            for earlier, later in pairwise(range(len(problem.runs))):
                _add_order(model, problem, contents, (earlier, later))
        if len(contents) <= MOST_SORTED_STAGES:
            _sort_equal_stages(model, problem, contents)


def _sort_equal_stages(model: cp_model.CpModel, problem: SizingProblem, contents: tuple[StageContent, ...]) -> None:
    """Put stages that could change places, neither first nor last, in falling order of their layers' ways.

    Bundles of single runs keep their order, so only stages that hold nothing but the last run could.
    """
    last = len(problem.bundles) - 1
    in_order = len(problem.bundles) == len(problem.runs)
    for stage, (content, after) in enumerate(pairwise(contents[1:-1])):
        falls = model.add(content.rank_of(last) >= after.rank_of(last))
        if in_order and last:
            is_mixed = model.new_bool_var(f"stage{stage + 1}.is_mixed")
            others = cp_model.LinearExpr.sum([content.of_bundle(bundle) for bundle in range(last)])
            model.add(others <= sum(run.count for run in problem.runs) * is_mixed)
            model.add(others >= is_mixed)
            falls.only_enforce_if(~is_mixed)


def _add_order(
    model: cp_model.CpModel, problem: SizingProblem, contents: tuple[StageContent, ...], runs: tuple[int, int]
) -> None:
    earlier, later = runs
    begun = [model.new_bool_var(f"run{later}.begun{stage}") for stage in range(len(contents))]
    for before, after in pairwise(begun):
        model.add(after >= before)
    for stage, content in enumerate(contents):
        model.add(content.of_bundle(later) <= problem.runs[later].count * begun[stage])
    for content, before in zip(contents[1:], begun, strict=False):
        most = problem.runs[earlier].count
        model.add(content.of_bundle(earlier) <= most - most * before)
