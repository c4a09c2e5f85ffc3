"""What the checks look at: the plan, and everything derived anew from it, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from placer.catalog.kernel import KernelFamily
from placer.graph.drafter import lower_drafter
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.model.mixer import CompressedAttention, LatentAttention
from placer.plan.metrics import Bound, Metrics, TimeShares
from placer.plan.placement import LayerPlacement, Placement, Role
from placer.plan.plan import BatchPlan, Plan
from placer.plan.service import PrefillPool
from placer.plan.speculation import DrafterPool
from placer.scenario.routing import is_uneven
from placer.scenario.scenario import Scenario
from placer.verify.finding import RecomputedMetrics
from placer.verify.recompute.crossing import crossing_of
from placer.verify.recompute.figures import Stated, metrics_of, occupancy_s
from placer.verify.recompute.flow import Flow, trace
from placer.verify.recompute.group import Group, group_of
from placer.verify.recompute.layer import Layer, LayerCost, layer_cost
from placer.verify.recompute.load import Microbatch, PartLoad, part_load
from placer.verify.recompute.memory import DeviceMemory, memory_map
from placer.verify.recompute.rental import Block, drafter_blocks, prefill_blocks, rented_devices, replica_blocks
from placer.verify.recompute.replica import Replica
from placer.verify.recompute.speculation import (
    NO_DRAFT,
    Draft,
    draft_of,
    drafter_group,
    round_trip_s,
    tokens_gained,
)


@dataclass(frozen=True)
class Context:
    """A plan whose parts are all there; what is derived is derived when first asked for."""

    plan: Plan
    metrics: Metrics
    bound: Bound
    batch: BatchPlan
    time: TimeShares
    placement: Placement
    lowered: ModelGraph | None = None

    @property
    def scenario(self) -> Scenario:
        """The question the plan answers."""
        return self.plan.scenario

    @cached_property
    def model(self) -> ModelGraph:
        """The lowered model."""
        return self.lowered or lower(self.scenario.model)

    def changed(self, scenario: Scenario, placement: Placement) -> Context:
        """Return the same plan in another scenario of the same model, or with another placement."""
        plan = self.plan.model_copy(update={"scenario": scenario, "placement": placement})
        return replace(self, plan=plan, placement=placement, lowered=self.model)

    @property
    def drafted(self) -> int:
        """Tokens drafted of every sequence in a step."""
        return self.batch.draft_tokens

    @property
    def drafter_pool(self) -> DrafterPool | None:
        """Devices of a pool of its own that draft, of those there are."""
        pool = self.plan.speculation.pool if self.plan.speculation else None
        return pool if pool and pool.pool in {each.name for each in self.scenario.fleet.pools} else None

    @property
    def capacity_context(self) -> int:
        """Tokens a sequence needs room for: input, output, and what is drafted beyond."""
        return self.scenario.workload.capacity_context + self.drafted

    @cached_property
    def gained(self) -> float:
        """Tokens a sequence gains in a step."""
        return tokens_gained(self.scenario.speculation, self.drafted)

    @cached_property
    def groups(self) -> dict[Role, Group]:
        """Groups by role; those of unknown pools are left out."""
        known = {pool.name for pool in self.scenario.fleet.pools}
        shapes = [shape for shape in self.plan.groups if shape.pool in known]
        return {shape.role: group_of(shape, self.scenario.fleet, self.drafted + 1) for shape in shapes}

    @cached_property
    def replica(self) -> Replica:
        """Groups, link and load of a replica."""
        workload, spec = self.scenario.workload, self.scenario.model
        batch = Microbatch(
            sequences=self.batch.sequences_per_microbatch,
            in_flight=self.batch.microbatches_in_flight,
            hidden_size=spec.hidden_size,
            dispatch_bytes=spec.precision.dispatch.element_bytes,
            time_context=workload.mean_context,
            capacity_context=self.capacity_context,
            width=self.drafted + 1,
        )
        return Replica(self.groups, crossing_of(self.groups, self.scenario.fleet), batch, self._draft(batch))

    def _draft(self, batch: Microbatch) -> Draft:
        """Return what drafts, on the devices of the LM head or on a pool of its own."""
        speculation, role = self.scenario.speculation, self.placement.lm_head.role
        if not self.drafted or speculation is None or role not in self.groups:
            return NO_DRAFT
        drafter, beside = lower_drafter(speculation, self.scenario.model), self.drafter_pool
        if beside is None:
            return draft_of(drafter, self.drafted, self.groups[role], batch)
        fleet, pools = self.scenario.fleet, [group.pool.name for group in self.groups.values()]
        group = drafter_group(beside, batch.sequences, fleet)
        ids = batch.sequences * (2 * self.drafted + 1)
        return replace(
            draft_of(drafter, self.drafted, group, batch),
            group=group,
            round_trip_s=round_trip_s(fleet, pools, beside.pool, ids),
            is_overlapped=speculation.overlap,
        )

    @cached_property
    def selections(self) -> dict[int, NDArray[np.float64]]:
        """Chance that a token selects each expert, by layer with experts."""
        return self.scenario.workload.routing.by_layer(self.model.expert_layers)

    @cached_property
    def is_uneven(self) -> bool:
        """Whether some expert of some layer is wanted more than another of it; only then experts have copies."""
        return is_uneven(self.selections.values())

    @cached_property
    def flow(self) -> Flow:
        """The way of one microbatch through a replica."""
        loads: dict[tuple[str, bytes], PartLoad] = {}
        costs: dict[tuple[int, str, tuple[str | None, ...], bytes], LayerCost] = {}
        by_layer = []
        for layer in self.placement.layers:
            names = tuple(part.experts for part in layer.ffn)
            chances = self.selections.get(layer.layer)
            routing = b"" if chances is None else chances.tobytes()
            key = (id(self.model.layer_ops[layer.layer]), str(layer.way), names, routing)
            if key not in costs:
                costs[key] = layer_cost(self._layer(layer, loads), self.replica)
            by_layer.append(costs[key])
        return trace(self.model, self.placement, by_layer, self.replica)

    def _layer(self, placed: LayerPlacement, loads: dict[tuple[str, bytes], PartLoad]) -> Layer:
        ops = self.model.layer_ops[placed.layer]
        parts: list[PartLoad] = []
        for part in placed.ffn:
            if ops.moe is not None and part.experts is not None:
                chances = self.selections[placed.layer]
                key = (part.experts, chances.tobytes())
                if key not in loads:
                    ranks = self.placement.experts[part.experts].experts_by_rank
                    loads[key] = part_load(chances, ranks, self.replica.batch.tokens)
                parts.append(loads[key])
        return self.loaded_layer(placed, parts)

    def loaded_layer(self, placed: LayerPlacement, loads: Sequence[PartLoad]) -> Layer:
        """Return a layer as its cost depends on it, with some expert load of each FFN part."""
        spec = self.scenario.model
        mixer = spec.mixers[spec.layer_kinds()[placed.layer].mixer]
        has_shared_entries = isinstance(mixer, LatentAttention | CompressedAttention)
        family = KernelFamily.MLA if has_shared_entries else KernelFamily.ATTENTION
        return Layer(self.model.layer_ops[placed.layer], family, placed.way, loads)

    @cached_property
    def occupancy_s(self) -> dict[str, float]:
        """How long every resource is busy in a step."""
        return occupancy_s(self.flow, self.replica)

    @cached_property
    def memory(self) -> list[DeviceMemory]:
        """Bytes on every kind of device of a replica."""
        return memory_map(self.model, self.placement, self.replica)

    @cached_property
    def decode(self) -> Context:
        """The decoding replicas by themselves; the plan itself where only decode is planned."""
        phases = self.plan.phases
        if phases is None:
            return self
        part = self.plan.decode_part()
        return replace(
            self, plan=part, metrics=phases.decode.metrics, bound=part.bound or self.bound, lowered=self.model
        )

    @property
    def prefill_pools(self) -> tuple[PrefillPool, ...]:
        """Prefill on devices of its own, by pool."""
        return () if self.plan.phases is None else self.plan.phases.prefill

    @property
    def used_pools(self) -> set[str]:
        """Pools that decode, draft or prefill."""
        pools = {group.pool.name for group in self.groups.values()} | {pool.pool for pool in self.prefill_pools}
        return pools if self.drafter_pool is None else pools | {self.drafter_pool.pool}

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks of devices that decode, draft and prefill; those of unknown pools are left out."""
        fleet, drafters = self.scenario.fleet, self.drafter_pool
        drafting = () if drafters is None else drafter_blocks(drafters, fleet)
        return (*replica_blocks(self.placement, self.groups), *drafting, *prefill_blocks(self.prefill_pools, fleet))

    @cached_property
    def rented(self) -> dict[str, int]:
        """Devices rented, by pool."""
        return rented_devices(self.blocks)

    @cached_property
    def recomputed(self) -> RecomputedMetrics:
        """The plan's figures, derived from its placement alone."""
        stated = Stated(len(self.placement.replicas), self.metrics.step_time_s, self.gained)
        return metrics_of(self.flow, self.replica, self.rented, stated, self.scenario)


def context_of(plan: Plan, lowered: ModelGraph | None = None) -> Context | None:
    """Return the context of a plan that is there, None for a refusal or a plan without its parts.

    ``lowered`` is the plan's model lowered, where that is known.
    """
    if plan.metrics is None or plan.bound is None or plan.batch is None:
        return None
    if plan.time is None or plan.placement is None:
        return None
    return Context(plan, plan.metrics, plan.bound, plan.batch, plan.time, plan.placement, lowered)
