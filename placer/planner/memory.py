"""What lies in the memory of the fullest device of each group."""

from __future__ import annotations

import math

import numpy as np

from placer.cost.group import Array, exact_batch
from placer.plan.metrics import MemoryUse
from placer.plan.placement import Way
from placer.planner.placement import ROLES
from placer.search.layout.layout import class_of_layer, placement_of
from placer.search.leaf import Found
from placer.search.sizing.build import ProblemBuilder
from placer.search.sizing.problem import SizingProblem
from placer.search.tables import CostModel

#: Columns of a stage's bytes.
WEIGHTS, HOT, KV = range(3)


def memory_map(cost: CostModel, builder: ProblemBuilder, problem: SizingProblem, found: Found) -> tuple[MemoryUse, ...]:
    """Return the memory of the fullest device of host and, where there is one, of the sidecar."""
    uses = []
    for group, shape in enumerate(found.candidate.shapes):
        values = builder.values(shape, found.candidate, exact_batch)[1]
        held = _held(cost, problem, found, (group, values))
        fullest = held[int(held.sum(axis=1).argmax())]
        device = cost.scenario.fleet.device_of(shape.pool)
        buffers = math.ceil(found.candidate.in_flight * float(values[cost.fields.buffer_bytes]))
        weights, hot, kv = (int(volume) for volume in fullest)
        capacity = int(device.compute_tier.capacity)
        uses.append(
            MemoryUse(
                role=ROLES[group],
                pool=shape.pool,
                device=device.name,
                tier=device.compute_tier.tier,
                capacity_bytes=capacity,
                reserved_bytes=capacity - device.usable_bytes,
                weights_bytes=weights,
                hot_experts_bytes=hot,
                kv_bytes=kv,
                activations_bytes=buffers,
                free_bytes=device.usable_bytes - weights - hot - kv - buffers,
            )
        )
    return tuple(uses)


def _held(cost: CostModel, problem: SizingProblem, found: Found, of: tuple[int, Array]) -> Array:
    """Return bytes by stage, shape (num_stages, 3)."""
    group, values = of
    held = np.zeros((found.candidate.shapes[group].stages, 3))
    for layer, class_index in enumerate(class_of_layer(problem)):
        stage = found.layout.stages[group][layer]
        held[stage] += _layer_bytes(cost, problem, found, (layer, class_index, group), values)
    for column, on_side, stage in zip(
        (cost.fields.embedding_bytes, cost.fields.lm_head_bytes),
        found.layout.outside_on_side,
        (0, -1),
        strict=True,
    ):
        if int(on_side) == group:
            held[stage, WEIGHTS] += values[column]
    return held


def _layer_bytes(
    cost: CostModel, problem: SizingProblem, found: Found, at: tuple[int, int, int], values: Array
) -> Array:
    layer, class_index, group = at
    placement, columns = placement_of(problem, found.layout, layer), cost.fields.classes[class_index]
    held = np.zeros(3)
    if group == int(placement.way is Way.AWAY):
        held[WEIGHTS] += values[columns.attention_bytes]
        held[KV] += found.candidate.in_flight * values[columns.kv_bytes]
    if placement.way is Way.SPLIT:
        column = columns.hot_bytes if group else columns.cold_bytes
        held[HOT if group else WEIGHTS] += values[column[placement.level]]
    elif group == int(placement.way is not Way.NEAR):
        held[WEIGHTS] += values[columns.ffn_bytes]
    return held
