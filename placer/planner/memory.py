"""What lies in the memory of the devices of each group."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from placer.catalog.device import Device
from placer.cost.group import Array, exact_batch
from placer.plan.metrics import CacheUse, MemoryUse
from placer.plan.placement import Role, Way
from placer.planner.placement import ROLES
from placer.search.layout.layout import class_of_layer, placement_of
from placer.search.leaf import Found
from placer.search.sizing.build import ProblemBuilder
from placer.search.sizing.problem import SizingProblem
from placer.search.tables import CostModel

#: Columns of a stage's bytes; the last is the KV cache of what drafts, with its buffers.
WEIGHTS, HOT, KV, DRAFT = range(4)


@dataclass(frozen=True)
class GroupMemory:
    """Bytes on a device of every stage of a group.

    Attributes
    ----------
    role, pool, device
        Which group, and what it is made of.
    held : ndarray, shape (num_stages, 4)
        Weights, hot experts, KV cache, KV cache and buffers of what drafts [B].
    buffers
        Hidden states and exchange buffers of all microbatches in flight [B].
    """

    role: Role
    pool: str
    device: Device
    held: Array
    buffers: int

    def rooms(self) -> tuple[int, ...]:
        """Return the bytes free for KV cache beside weights and buffers, by stage."""
        beside = self.held[:, DRAFT]
        if not self.device.is_split:
            beside = self.held[:, WEIGHTS] + self.held[:, HOT] + beside
        return tuple(self.device.usable_cache_bytes - self.buffers - math.ceil(volume) for volume in beside)

    def fullest(self) -> MemoryUse:
        """Return the memory of the fullest device."""
        weights, hot, kept, draft = (math.ceil(volume) for volume in self.held[int(self.held.sum(axis=1).argmax())])
        kv = kept + draft
        capacity, usable = int(self.device.compute_tier.capacity), self.device.usable_bytes
        cached = kv + self.buffers
        return MemoryUse(
            role=self.role,
            pool=self.pool,
            device=self.device.name,
            tier=self.device.compute_tier.tier,
            capacity_bytes=capacity,
            reserved_bytes=capacity - usable,
            weights_bytes=weights,
            hot_experts_bytes=hot,
            kv_bytes=kv,
            activations_bytes=self.buffers,
            free_bytes=usable - weights - hot - (0 if self.device.is_split else cached),
            cache=self._cache_use(cached) if self.device.is_split else None,
        )

    def _cache_use(self, cached: int) -> CacheUse:
        """Return what KV cache and activations fill of a tier of their own."""
        capacity, usable = int(self.device.cache_tier.capacity), self.device.usable_cache_bytes
        return CacheUse(
            tier=self.device.cache_tier.tier,
            capacity_bytes=capacity,
            reserved_bytes=capacity - usable,
            free_bytes=usable - cached,
        )


def group_memories(
    cost: CostModel, builder: ProblemBuilder, problem: SizingProblem, found: Found
) -> tuple[GroupMemory, ...]:
    """Return the bytes on the devices of host and, where there is one, of the sidecar."""
    memories = []
    for group, shape in enumerate(found.candidate.shapes):
        values = builder.values(shape, found.candidate, exact_batch)[1]
        memories.append(
            GroupMemory(
                role=ROLES[group],
                pool=shape.pool,
                device=cost.scenario.fleet.device_of(shape.pool),
                held=_held(cost, problem, found, (group, values)),
                buffers=math.ceil(found.candidate.in_flight * float(values[cost.fields.buffer_bytes])),
            )
        )
    return tuple(memories)


def _held(cost: CostModel, problem: SizingProblem, found: Found, of: tuple[int, Array]) -> Array:
    """Return bytes by stage, shape (num_stages, 4)."""
    group, values = of
    held = np.zeros((found.candidate.shapes[group].stages, 4))
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
    if int(found.layout.outside_on_side[1]) == group:
        held[-1, DRAFT] += found.candidate.in_flight * values[cost.fields.draft_bytes]
    return held


def _layer_bytes(
    cost: CostModel, problem: SizingProblem, found: Found, at: tuple[int, int, int], values: Array
) -> Array:
    layer, class_index, group = at
    placement, columns = placement_of(problem, found.layout, layer), cost.fields.classes[class_index]
    held = np.zeros(4)
    if group == int(placement.way is Way.AWAY):
        held[WEIGHTS] += values[columns.attention_bytes]
        held[KV] += found.candidate.in_flight * values[columns.kv_bytes]
    if placement.way is Way.SPLIT:
        column = columns.hot_bytes if group else columns.cold_bytes
        held[HOT if group else WEIGHTS] += values[column[placement.level]]
    elif group == int(placement.way is not Way.NEAR):
        held[WEIGHTS] += values[columns.ffn_bytes]
    return held
