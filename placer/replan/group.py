"""Stages that are re-placed alike: the same group and stage of replicas to which the same happened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placer.errors import InputError
from placer.graph.lower import lower
from placer.plan.placement import Placement, Role
from placer.plan.plan import Plan
from placer.plan.replanning import GroupMoves, Shares
from placer.replan.layer_task import LayerTask, Solution
from placer.replan.request import Request
from placer.replan.stage import Stage, holds_experts
from placer.replan.timetable import Timetable, Wires
from placer.verify.recompute.weights import shard_bytes


@dataclass(frozen=True)
class StageGroup:
    """Stages with the same fate.

    Attributes
    ----------
    stages
        One of each replica.
    tasks
        Layers that have experts there.
    device_bytes
        Bytes of an expert on one device [B].
    slots_bytes
        What slots beyond those planned take on a device [B].
    wires
        Links between its ranks, of the first replica.
    """

    stages: tuple[Stage, ...]
    tasks: tuple[LayerTask, ...]
    device_bytes: float
    slots_bytes: float
    wires: Wires

    @property
    def role(self) -> Role:
        """Which group of the replicas."""
        return self.stages[0].block.shape.role

    @property
    def stage(self) -> int:
        """Which stage of the group."""
        return self.stages[0].block.stage

    @property
    def replicas(self) -> tuple[int, ...]:
        """Replicas it happens in."""
        return tuple(stage.block.replica for stage in self.stages)

    @property
    def rank_bytes(self) -> int:
        """Bytes of an expert on a rank [B]."""
        return math.ceil(self.device_bytes * self.stages[0].block.shape.expert_tp)


def grouped(plan: Plan, placement: Placement, stages: Sequence[Stage], request: Request) -> tuple[StageGroup, ...]:
    """Return the stages that are dealt anew; those of untouched replicas together.

    Raises
    ------
    InputError
        If a stage has no expert rank left.
    """
    fates: dict[tuple[object, ...], list[Stage]] = {}
    for stage in stages:
        block = stage.block
        if not holds_experts(placement, block.shape.role, block.stage):
            continue
        if not stage.ranks:
            raise InputError(f"replica {block.replica} has no device left for the experts of stage {block.stage}")
        if stage.is_changed:
            fates[block.shape.role, block.stage, block.replica] = [stage]
        elif request.has_new_routing:
            fates.setdefault((block.shape.role, block.stage), []).append(stage)
    return tuple(_group(plan, placement, tuple(alike), request) for alike in fates.values())


def _group(plan: Plan, placement: Placement, stages: tuple[Stage, ...], request: Request) -> StageGroup:
    first = stages[0]
    shape, fleet = first.block.shape, plan.scenario.fleet
    model, device = lower(plan.scenario.model), fleet.device_of(shape.pool)
    layers: dict[tuple[object, ...], list[int]] = {}
    sizes: set[float] = set()
    for placed in placement.layers:
        for part in placed.ffn:
            if part.experts is not None and (part.at.role, part.at.stage) == (shape.role, first.block.stage):
                own = request.drift.chances[placed.layer].tobytes()
                layers.setdefault((part.experts, own), []).append(placed.layer)
                moe = model.layer_ops[placed.layer].moe
                assert moe is not None
                sizes.add(shard_bytes(moe.expert, device, shape.expert_tp))
    tasks = []
    slots_bytes = 0.0
    for (layout, _), numbers in layers.items():
        experts_by_rank = placement.experts[str(layout)].experts_by_rank
        moe = model.layer_ops[numbers[0]].moe
        assert moe is not None
        total = sum(map(len, experts_by_rank))
        planned = -(-total // len(experts_by_rank))
        slots = max(planned, -(-total // len(first.ranks)))
        slots_bytes += (slots - planned) * len(numbers) * max(sizes)
        tasks.append(
            LayerTask(
                layout=str(layout),
                layers=tuple(numbers),
                experts_by_rank=experts_by_rank,
                selection=request.drift.chances[numbers[0]],
                ranks=first.ranks,
                slots=slots,
                is_single=not first.is_changed and shape.spare_slots == 0,
                # A layout a plan can express is read by its rules: copies of an expert serve equal parts.
                shares=request.shares if first.is_changed else Shares.EVEN,
            )
        )
    _assert_room(plan, first, slots_bytes)
    up, out = fleet.inner_links(shape.pool)
    domain = fleet.pool(shape.pool).domain
    wires = Wires(
        names=first.rank_names,
        domains=tuple(devices[0][1] // domain for devices in first.devices),
        up=up,
        out=out,
        storage_bytes_per_s=request.storage_bytes_per_s,
    )
    return StageGroup(stages, tuple(tasks), max(sizes), slots_bytes, wires)


def _assert_room(plan: Plan, stage: Stage, slots_bytes: float) -> None:
    """Raise an error if the slots do not even fit without any sequence."""
    use = next(use for use in plan.memory if use.role is stage.block.shape.role)
    room = use.free_bytes + (0 if use.cache else use.kv_bytes)
    if slots_bytes > room:
        raise InputError(
            f"replica {stage.block.replica} has no room for its experts on {len(stage.ranks)} ranks: "
            f"{slots_bytes / 1e9:.4g} GB more on every device, {room / 1e9:.4g} GB are free "
            f"or used for KV cache",
            where="--lost",
        )


def moved(group: StageGroup, found: Sequence[Solution], request: Request) -> GroupMoves:
    """Return layouts and steps of a group, with times."""
    table = Timetable(group.wires)
    steps, layers = [], []
    for solution in found:
        ordered = solution.steps(group.wires.domains, request.relief)
        layers.append(solution.described(ordered))
        for of in solution.layer_steps(ordered, (group.rank_bytes, group.device_bytes)):
            steps += table.timed(of)
    return GroupMoves(
        replicas=group.replicas,
        role=group.role,
        stage=group.stage,
        devices=group.wires.names,
        slots=max(solution.task.slots for solution in found),
        layers=tuple(layers),
        bytes=sum(step.bytes for step in steps),
        seconds=max((step.end_s for step in steps), default=0.0),
        steps=tuple(steps),
    )
