"""Weights on a device: of a model that lies whole on a stage, and of a plan's placement stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from placer.cost.block_bytes import attention_bytes, cut_bytes, expert_bytes
from placer.cost.group import Group
from placer.graph.model_graph import ModelGraph
from placer.plan.placement import FfnPart, LayerPlacement, Location, Placement, Role

Place = tuple[Role, int]


def place_of(location: Location) -> Place:
    """Return group and stage of a location."""
    return location.role, location.stage


def model_weight_bytes(group: Group, model: ModelGraph) -> int:
    """Return the weights of a model on one device of a stage that holds all of it [B]."""
    held = cut_bytes(group, model.embedding) + cut_bytes(group, model.lm_head)
    for entry in model.layer_classes:
        ops, layer = entry.ops, attention_bytes(group, entry.ops)
        if ops.dense is not None:
            layer += cut_bytes(group, ops.dense)
        if ops.moe is not None:
            layer += cut_bytes(group, ops.moe.shared) if ops.moe.shared else 0
            layer += expert_bytes(group, ops.moe, ops.moe.num_experts)
        held += entry.count * layer
    return held


def placed_weight_bytes(model: ModelGraph, placement: Placement, groups: Mapping[Role, Group]) -> Counter[Place]:
    """Return the weights of a placed model on a device of every stage, a slot for every expert it has room for [B]."""
    held: Counter[Place] = Counter()
    held[place_of(placement.embedding)] += cut_bytes(groups[placement.embedding.role], model.embedding)
    held[place_of(placement.lm_head)] += cut_bytes(groups[placement.lm_head.role], model.lm_head)
    for placed in placement.layers:
        ops = model.layer_ops[placed.layer]
        held[place_of(placed.attention)] += attention_bytes(groups[placed.attention.role], ops)
        for part in placed.ffn:
            held[place_of(part.at)] += _part_bytes(model, placement, groups[part.at.role], (placed, part))
    return held


def _part_bytes(model: ModelGraph, placement: Placement, group: Group, of: tuple[LayerPlacement, FfnPart]) -> int:
    placed, part = of
    ops = model.layer_ops[placed.layer]
    if ops.moe is None or part.experts is None:
        return cut_bytes(group, ops.dense) if ops.dense is not None else 0
    experts = sum(map(len, placement.experts[part.experts].experts_by_rank))
    shared = cut_bytes(group, ops.moe.shared) if ops.moe.shared and part is placed.ffn[0] else 0
    return shared + expert_bytes(group, ops.moe, experts)
