"""From a layout to the placement of a plan: every op, expert and sequence on a stage, a rank and a tier."""

from __future__ import annotations

import numpy as np

from placer.catalog.fleet import Fleet
from placer.cost.group import build_group
from placer.cost.loads import ExpertLoads
from placer.cost.shape import GroupShape
from placer.graph.ffns.moe import MoeOps
from placer.plan.placement import (
    ExpertLayout,
    FfnPart,
    GroupPlan,
    LayerPlacement,
    Location,
    Placement,
    ReplicaDevices,
    Role,
    Way,
)
from placer.planner.devices import first_devices
from placer.search.expert_layout import PlacedLoads, deal_experts, fastest_layout
from placer.search.layout.layout import placement_of
from placer.search.leaf import Found
from placer.search.rows import Placement as WayOfLayer
from placer.search.sizing.problem import SizingProblem
from placer.search.tables import CostModel

ROLES = (Role.HOST, Role.SIDECAR)


def deal_sequences(sequences: int, ranks: int) -> tuple[int, ...]:
    """Return sequences per rank, as even as whole numbers allow.

    >>> deal_sequences(7, 3)
    (3, 2, 2)
    """
    each, rest = divmod(sequences, ranks)
    return tuple(each + (rank < rest) for rank in range(ranks))


def group_plans(found: Found) -> tuple[GroupPlan, ...]:
    """Return the groups of a replica."""
    sequences = found.candidate.most
    return tuple(
        GroupPlan(
            role=role,
            pool=shape.pool,
            stages=shape.stages,
            width=shape.width,
            tp=shape.tp,
            expert_tp=shape.expert_tp,
            cp=shape.cp,
            spare_slots=shape.spare_slots,
            sequences_per_rank=deal_sequences(sequences, shape.dp),
        )
        for role, shape in zip(ROLES, found.candidate.shapes, strict=False)
    )


class PlacementBuilder:
    """Builds the placement of one plan; equal expert layouts are written once."""

    def __init__(self, cost: CostModel, problem: SizingProblem, found: Found) -> None:
        self._cost, self._problem, self._found = cost, problem, found
        self._fleet: Fleet = cost.scenario.fleet
        self._shapes, self._size = found.candidate.shapes, float(found.candidate.most * cost.step.width)
        self._experts: dict[str, ExpertLayout] = {}
        self._chances = cost.scenario.workload.routing.by_layer(cost.model.expert_layers)

    def build(self) -> Placement:
        """Return the placement."""
        layout, shapes = self._found.layout, self._shapes
        first, last = (int(on_side) for on_side in layout.outside_on_side)
        replicas = self._found.rental.replicas
        starts = [first_devices(self._fleet.pool(shape.pool), shape, replicas) for shape in shapes]
        return Placement(
            replicas=tuple(
                ReplicaDevices(
                    first_device={role: by_replica[r] for role, by_replica in zip(ROLES, starts, strict=False)}
                )
                for r in range(replicas)
            ),
            embedding=self._at(first, 0),
            lm_head=self._at(last, shapes[last].stages - 1),
            layers=tuple(self._layer(number) for number in range(len(layout.placements))),
            experts=self._experts,
        )

    def _at(self, group: int, stage: int) -> Location:
        tier = self._fleet.device_of(self._shapes[group].pool).compute_tier.tier
        return Location(role=ROLES[group], stage=stage, tier=tier)

    def _attention_at(self, group: int, stage: int) -> Location:
        """Return where attention lies; its tier is that of the KV cache."""
        tier = self._fleet.device_of(self._shapes[group].pool).cache_tier.tier
        return Location(role=ROLES[group], stage=stage, tier=tier)

    def _layer(self, number: int) -> LayerPlacement:
        placement = placement_of(self._problem, self._found.layout, number)
        way, stages = placement.way, self._found.layout.stages
        attention = int(way is Way.AWAY)
        groups = {Way.NEAR: (0,), Way.SPLIT: (0, 1)}.get(way, (1,))
        class_index = next(i for i, entry in enumerate(self._cost.classes) if number in entry.layers)
        parts = tuple(
            FfnPart(
                at=self._at(group, stages[group][number]),
                experts=self._expert_layout(class_index, placement, group),
            )
            for group in groups
        )
        return LayerPlacement(
            layer=number, way=way, attention=self._attention_at(attention, stages[attention][number]), ffn=parts
        )

    def _expert_layout(self, class_index: int, placement: WayOfLayer, group: int) -> str | None:
        loads, moe = self._cost.loads[class_index], self._cost.classes[class_index].ops.moe
        if loads is None or moe is None:
            return None
        part = (0, moe.num_experts)
        if placement.way is Way.SPLIT:
            part = (0, placement.num_hot) if group else (placement.num_hot, moe.num_experts)
        name = f"{ROLES[group]}-class{class_index}-{part[0]}-{part[1]}"
        if name not in self._experts:
            self._experts[name] = self._deal(loads, part, moe, (class_index, group))
        return name

    def _deal(self, loads: ExpertLoads, part: tuple[int, int], moe: MoeOps, at: tuple[int, int]) -> ExpertLayout:
        class_index, group = at
        layer = self._cost.classes[class_index].layers[0]
        hottest_first = np.argsort(-self._chances[layer], kind="stable")
        expert_ranks = self._shapes[group].expert_ranks
        if isinstance(loads, PlacedLoads):
            ranks = fastest_layout(loads, part, (build_group(self._fleet, self._shapes[group]), moe), self._size)
        else:
            ranks = deal_experts(loads.selection[slice(*part)], expert_ranks.count)
        return ExpertLayout(
            role=ROLES[group],
            experts_by_rank=tuple(
                tuple(sorted(int(hottest_first[part[0] + member]) for member in members)) for members in ranks
            ),
        )


def shapes_by_role(found: Found) -> dict[Role, GroupShape]:
    """Return the groups' shapes."""
    return dict(zip(ROLES, found.candidate.shapes, strict=False))
