"""The KV budget of every group of a plan."""

from __future__ import annotations

from placer.graph.model_graph import ModelGraph
from placer.kv.budget import kv_use
from placer.kv.shards import stage_kv
from placer.plan.kv import KvUse
from placer.plan.placement import GroupPlan, Placement
from placer.planner.memory import GroupMemory
from placer.scenario.workload import Workload


def kv_uses(
    model: ModelGraph,
    workload: Workload,
    placement: Placement,
    groups: tuple[GroupPlan, ...],
    memories: tuple[GroupMemory, ...],
    step: tuple[int, int],
) -> tuple[KvUse, ...]:
    """Return the KV budgets of the groups that keep something of a sequence.

    Parameters
    ----------
    model, workload, placement, groups
        The lowered model, its longest sequence, where its layers lie, and the groups of a replica.
    memories
        Bytes on the devices of every group, in the order of ``groups``.
    step
        Microbatches in flight, and tokens drafted of every sequence.
    """
    (in_flight, drafted), uses = step, []
    for group, memory in zip(groups, memories, strict=True):
        tokens = memory.device.paged(workload.capacity_context + drafted, group.cp)
        stages = stage_kv(model, placement, group, tokens, drafted + 1)
        if stages:
            uses.append(kv_use(group, memory.device, stages, memory.rooms(), (tokens, in_flight)))
    return tuple(uses)
