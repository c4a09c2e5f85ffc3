"""Re-placement of a plan: what moves where, in which order, how long that takes and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from placer.errors import InputError
from placer.plan.plan import Plan
from placer.plan.replanning import Balance, GroupMoves, Loss, ReplanReport
from placer.replan.after import steps_after
from placer.replan.budget import Solved, solve_groups
from placer.replan.devices import device_name
from placer.replan.group import StageGroup, grouped, moved
from placer.replan.losses import holds_attention, loss_of
from placer.replan.request import Request
from placer.replan.stage import Stage, assert_planned, stages_after
from placer.units import format_bytes, format_seconds

_STORAGE_NOTE = "experts that nobody alive has come from storage, at {rate}/s a device: an assumption"
_PORTS_NOTE = (
    "every device sends one expert at a time over a link and receives one at a time (half duplex: either); "
    "serving traffic on the links is left out"
)


@dataclass(frozen=True)
class Replanned:
    """The report, and the solutions it was made from, by group."""

    report: ReplanReport
    solutions: Solved


def replan(plan: Plan, request: Request, where: str = "plan") -> Replanned:
    """Return what has to move for a new routing, lost or new devices.

    Parameters
    ----------
    plan
        Any planned one; others are refused.
    request
        What has changed.
    where
        Name of the plan, for messages.

    Raises
    ------
    InputError
        If the plan is none, nothing has changed, a device is unknown to it, the experts find no room, or more must
        move than may.
    """
    placement = assert_planned(plan, where)
    if not placement.experts:
        raise InputError("has no routed experts, so nothing can be re-placed", where=where)
    stages = stages_after(plan, placement, request.lost, request.added)
    if not request.has_new_routing and not request.lost and not request.added:
        raise InputError("nothing has changed: give --routing, --lost or --add", where=where)
    groups = grouped(plan, placement, stages, request)
    solutions = solve_groups(groups, request)
    moves = tuple(moved(group, found, request) for group, found in solutions)
    losses = _losses(plan, stages, groups)
    return Replanned(_report(plan, request, solutions, moves, losses), solutions)


def _losses(plan: Plan, stages: Sequence[Stage], groups: Sequence[StageGroup]) -> tuple[Loss, ...]:
    assert plan.batch is not None
    uses = {use.role: use for use in plan.memory}
    needed = {(group.stages[0].block.replica, group.role, group.stage): group.slots_bytes for group in groups}
    losses = []
    for stage in stages:
        if stage.lost:
            block = stage.block
            slots_bytes = needed.get((block.replica, block.shape.role, block.stage), 0.0)
            loss = loss_of(stage, plan.batch, uses[block.shape.role], slots_bytes)
            if not holds_attention(plan, block.shape.role, block.stage):
                loss = loss.model_copy(update={"sequences": 0, "dealt": 0})
            losses.append(loss)
    return tuple(losses)


def _report(
    plan: Plan,
    request: Request,
    solutions: Solved,
    moves: tuple[GroupMoves, ...],
    losses: tuple[Loss, ...],
) -> ReplanReport:
    assert plan.metrics is not None
    stay, after = steps_after(plan, request, solutions, losses)
    layers = [(layer, len(group.replicas) * len(layer.layers)) for group in moves for layer in group.layers]
    total = sum(layer.moves * times for layer, times in layers)
    num_bytes = sum(group.bytes * len(group.replicas) for group in moves)
    seconds = _longest(moves)
    counted = sum(times for _, times in layers)

    def mean(name: str) -> float:
        values = [getattr(layer.balance, name) * times for layer, times in layers]
        return sum(values) / counted if counted else 1.0

    balance = Balance(before=mean("before"), after=mean("after"), fresh=mean("fresh"))
    change = (
        ""
        if after is None
        else f"; step {format_seconds(after)}, planned {format_seconds(plan.metrics.law_step_time_s)}"
    )
    verdict = (
        f"{total:,} copies of experts move, {format_bytes(num_bytes)} in {format_seconds(seconds)}; fullest rank "
        f"{balance.before:.3f} -> {balance.after:.3f} of the mean (fresh: {balance.fresh:.3f}){change}"
    )
    return ReplanReport(
        verdict=verdict,
        routing=request.drift.label,
        lost=tuple(map(device_name, request.lost)),
        added=tuple(map(device_name, request.added)),
        shares=request.shares,
        moves=total,
        lower_bound_moves=sum(layer.lower_bound_moves * times for layer, times in layers),
        bytes=num_bytes,
        seconds=seconds,
        balance=balance,
        step_time_before_s=plan.metrics.law_step_time_s,
        step_time_stay_s=stay,
        step_time_after_s=after,
        is_in_plan_schema=not request.lost and not request.added,
        losses=losses,
        groups=moves,
        notes=_notes(request, moves, losses),
    )


def _longest(moves: tuple[GroupMoves, ...]) -> float:
    """Return the time of the stage that takes longest: stages have ports of their own."""
    return max((group.seconds for group in moves), default=0.0)


def _notes(request: Request, moves: tuple[GroupMoves, ...], losses: tuple[Loss, ...]) -> tuple[str, ...]:
    notes = [_PORTS_NOTE]
    layers = [layer for group in moves for layer in group.layers]
    if any(layer.restored for layer in layers):
        notes.append(_STORAGE_NOTE.format(rate=format_bytes(request.storage_bytes_per_s)))
    if any(layer.staged for layer in layers):
        most = max(layer.staged for layer in layers)
        notes.append(f"ranks that wait for each other's slots need a buffer for {most} expert(s) beside the slots")
    if any(not layer.is_balanced for layer in layers):
        notes.append("some layers stay more than 1 % above a fresh balance: moves are limited, or none was found")
    for loss in losses:
        place = f"replica {loss.replica}, {loss.role} stage {loss.stage}"
        if not loss.can_serve:
            notes.append(f"{place} has lost every data-parallel rank: it cannot serve until devices are replaced")
        elif loss.sequences:
            notes.append(
                f"{place} loses {loss.data_ranks} data-parallel rank(s) with the KV cache of {loss.sequences} "
                f"sequence(s); the others have memory for {loss.dealt} of them, recomputed; the rest must wait"
            )
    return tuple(notes)
