"""What a stage loses with its devices beyond experts: attention and KV cache of data-parallel ranks."""

from __future__ import annotations

import math

from placer.plan.metrics import MemoryUse
from placer.plan.placement import Role
from placer.plan.plan import BatchPlan, Plan
from placer.plan.replanning import Loss
from placer.replan.devices import device_name
from placer.replan.stage import Stage


def holds_attention(plan: Plan, role: Role, stage: int) -> bool:
    """Return whether attention, and with it KV cache, of any layer lies on a stage."""
    layers = plan.placement.layers if plan.placement is not None else ()
    return any((layer.attention.role, layer.attention.stage) == (role, stage) for layer in layers)


def surviving_ranks(stage: Stage) -> tuple[int, ...]:
    """Return the data-parallel ranks all devices of which are alive."""
    shape, devices = stage.block.shape, stage.block.devices
    return tuple(
        rank
        for rank in range(shape.width // shape.tp)
        if not set(stage.lost) & set(devices[rank * shape.tp : (rank + 1) * shape.tp])
    )


def loss_of(stage: Stage, batch: BatchPlan, use: MemoryUse, slots_bytes: float) -> Loss:
    """Return what a stage loses, and how many of its sequences the other ranks have memory for.

    Parameters
    ----------
    stage
        With lost devices.
    batch, use
        Of the plan: microbatches in flight, and memory of the group's fullest device.
    slots_bytes
        What the slots that a device needs beyond those planned take [B].
    """
    shape, alive = stage.block.shape, surviving_ranks(stage)
    in_flight = batch.microbatches_in_flight
    dealt = shape.sequences_per_rank
    gone = in_flight * sum(count for rank, count in enumerate(dealt) if rank not in alive)
    kept = in_flight * sum(dealt[rank] for rank in alive)
    fullest = in_flight * max(dealt)
    each = use.kv_bytes / fullest if fullest else 0.0
    free = use.free_bytes - slots_bytes
    if use.cache is not None:
        free = use.cache.free_bytes if free >= 0 else free
    room = _room(free, each, fullest, gone + kept)
    return Loss(
        replica=stage.block.replica,
        role=shape.role,
        stage=stage.block.stage,
        devices=tuple(device_name(device) for device in stage.lost),
        data_ranks=len(dealt) - len(alive),
        sequences=gone,
        dealt=max(0, min(gone, len(alive) * room - kept)),
        can_serve=bool(alive),
    )


def _room(free_bytes: float, sequence_bytes: float, fullest: int, everything: int) -> int:
    """Return how many sequences a rank has memory for."""
    if sequence_bytes == 0:
        return everything
    return max(0, fullest + math.floor(free_bytes / sequence_bytes))
