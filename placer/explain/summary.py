"""The whole plan: its fullest device, the layers whose balance costs most, and the limits that bind."""

from __future__ import annotations

from placer.explain.device import explain_device
from placer.explain.layer import explain_layer
from placer.plan.explanation import Summary
from placer.plan.placement import Role
from placer.plan.plan import Plan
from placer.verify.context import Context
from placer.verify.recompute.memory import DeviceMemory

#: Layers that are shown.
_MOST_LAYERS = 5


def explain_plan(plan: Plan, context: Context) -> Summary:
    """Return where a plan is tight."""
    known = {}
    layers = []
    for placed in context.placement.layers:
        key = (id(context.model.layer_ops[placed.layer]), placed.way, tuple(part.experts for part in placed.ffn))
        if key not in known:
            known[key] = explain_layer(context, placed.layer)
        layers.append(known[key].model_copy(update={"layer": placed.layer}))
    worst = sorted((layer for layer in layers if layer.parts), key=lambda layer: -layer.cost_s)
    role, stage = _fullest_stage(context)
    return Summary(
        fullest=explain_device(context, _fullest_device(context, role, stage)),
        layers=tuple(worst[:_MOST_LAYERS]),
        balance_cost_s=context.batch.microbatches_in_flight * sum(layer.cost_s for layer in layers),
        step_time_s=context.metrics.step_time_s,
        binding=plan.binding,
    )


def _fullest_stage(context: Context) -> tuple[Role, int]:
    """Return the stage that uses most of its devices' memory, by share."""
    return max((_share_used(context, device), device.place) for device in context.memory)[1]


def _share_used(context: Context, memory: DeviceMemory) -> float:
    """Return the share of a device's memory in use, of the fuller tier where it has two."""
    device = context.groups[memory.place[0]].device
    if not device.is_split:
        return memory.total / device.usable_bytes
    return max(memory.at_rest / device.usable_bytes, memory.cached / device.usable_cache_bytes)


def _fullest_device(context: Context, role: Role, stage: int) -> str:
    """Return the device of a stage of the first replica whose expert rank has most load."""
    group, first = context.groups[role], context.placement.replicas[0].first_device[role][stage]
    names = [f"{group.pool.name}[{first + offset}]" for offset in range(0, group.shape.width, group.shape.expert_tp)]
    return max(names, key=lambda name: explain_device(context, name).relative_load)
