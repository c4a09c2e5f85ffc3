"""Hops between the stages of a group, as far as counts alone can tell."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.plan.placement import Way
from placer.search.sizing.problem import SizingProblem
from placer.search.sizing.variables import SizingVariables, StageContent, Sum

#: Ways in which hidden states stop on host, on sidecar; the experts of the others answer from there.
VISITING = (frozenset({Way.NEAR, Way.DIRECT, Way.RELAY, Way.SPLIT}), frozenset({Way.RELAY, Way.AWAY}))


def add(model: cp_model.CpModel, variables: SizingVariables, problem: SizingProblem) -> None:
    """Add, for every group of several stages: ``stage hops >= stages visited - times the group is entered``.

    Layers lie in pipeline order, so every visited stage but the first is entered from another stage of the group, or
    from the other group. Twin in ``verify``: the hops of the layer sequence.
    """
    for group, contents in enumerate(variables.content):
        if contents:
            for stage, content in enumerate(contents):
                _add_visits(model, variables, problem, (group, stage, content))
            visited = cp_model.LinearExpr.sum([content.is_visited for content in contents])
            model.add(variables.stage_hops[group] >= visited - times_entered(variables, problem, group))


def times_entered(variables: SizingVariables, problem: SizingProblem, group: int) -> Sum:
    """Return how often hidden states come to a group from elsewhere, the start at the embedding counted."""
    if group == 0:
        return variables.to_host(problem) + 1 - variables.embedding_on_side
    runs = range(len(variables.runs))
    relays = [variables.layers_in(problem, index, Way.RELAY) for index in runs]
    return cp_model.LinearExpr.sum(relays) + variables.to_side() + variables.embedding_on_side


def _add_visits(
    model: cp_model.CpModel,
    variables: SizingVariables,
    problem: SizingProblem,
    at: tuple[int, int, StageContent],
) -> None:
    group, stage, content = at
    for (bundle, number), count in content.count.items():
        table = problem.classes[problem.runs[problem.bundles[bundle][0]].class_index]
        most = max(count.proto.domain)
        if table.placements[number].way in VISITING[group] and most:
            model.add(count <= most * content.is_visited)
    for literal, home in (
        (variables.embedding_on_side, 0),
        (variables.lm_head_on_side, problem.stages[group] - 1),
    ):
        if stage == home:
            model.add(content.is_visited >= (literal if group else 1 - literal))
