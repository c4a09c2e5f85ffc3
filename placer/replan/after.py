"""The step time after re-placement, replica by replica; the slowest counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from placer.plan.placement import GroupPlan
from placer.plan.plan import Plan
from placer.plan.replanning import Loss
from placer.replan.group import StageGroup
from placer.replan.layer_task import Solution
from placer.replan.losses import surviving_ranks
from placer.replan.request import Request
from placer.replan.stage import Stage
from placer.replan.step_time import Layouts, step_of

Solutions = Sequence[tuple[StageGroup, tuple[Solution, ...]]]


def steps_after(
    plan: Plan, request: Request, solutions: Solutions, losses: Sequence[Loss]
) -> tuple[float | None, float | None]:
    """Return the step by the law if nothing moves, and after the moves [s].

    A stage with fewer or more ranks gives its width to all stages of its group: with several stages that is an upper
    estimate. None where there is no such step: with lost or added devices nothing can stay, and a replica without a
    data-parallel rank has no step.
    """
    is_whole = not request.lost and not request.added
    stay = step_of(plan, request.drift, {}).law_s if is_whole else None
    if any(not loss.can_serve for loss in losses):
        return stay, None
    replicas = {group.replicas[0] for group, _ in solutions} | {loss.replica for loss in losses}
    return stay, max((_step(plan, request, solutions, losses, replica) for replica in sorted(replicas)), default=None)


def layouts_of(solutions: Solutions, replica: int) -> Layouts:
    """Return the new layouts of a replica by layer and group."""
    return {
        (layer, group.role): solution.layout
        for group, found in solutions
        if replica in group.replicas
        for solution in found
        for layer in solution.task.layers
    }


def _step(plan: Plan, request: Request, solutions: Solutions, losses: Sequence[Loss], replica: int) -> float:
    changed = [group.stages[0] for group, _ in solutions if group.replicas == (replica,) and group.stages[0].is_changed]
    own = [loss for loss in losses if loss.replica == replica]
    shapes = tuple(_narrowed(shape, changed, own, plan) for shape in plan.groups)
    assert plan.batch is not None
    host = shapes[0]
    batch = plan.batch.model_copy(update={"sequences_per_microbatch": max(1, sum(host.sequences_per_rank))})
    narrowed = plan.model_copy(update={"groups": shapes, "batch": batch})
    return step_of(narrowed, request.drift, layouts_of(solutions, replica)).law_s


def _narrowed(shape: GroupPlan, changed: Iterable[Stage], losses: Sequence[Loss], plan: Plan) -> GroupPlan:
    """Return a group of as many ranks as serve, with the sequences there is memory for dealt evenly."""
    stages = [stage for stage in changed if stage.block.shape.role is shape.role]
    if not stages:
        return shape
    assert plan.batch is not None
    alive = min(len(surviving_ranks(stage)) for stage in stages)
    waiting = max((loss.sequences - loss.dealt for loss in losses if loss.role is shape.role), default=0)
    total = sum(shape.sequences_per_rank) - -(-waiting // plan.batch.microbatches_in_flight)
    each, rest = divmod(max(1, total), alive)
    return shape.model_copy(
        update={
            "width": min(len(stage.ranks) for stage in stages) * shape.expert_tp,
            "sequences_per_rank": tuple(each + (rank < rest) for rank in range(alive)),
        }
    )
