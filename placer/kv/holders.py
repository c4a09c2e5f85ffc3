"""Which stages of a plan keep KV cache of a session, how much of it, and what they have left for paused ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from placer.catalog.device import Device
from placer.cost.group import Group
from placer.graph.model_graph import ModelGraph
from placer.kv.deployed import Deployed
from placer.kv.shards import StageKv, stage_kv
from placer.kv.weights import Place, model_weight_bytes, place_of, placed_weight_bytes
from placer.plan.paused import Holder


class _Draft(NamedTuple):
    """What a draft model adds to a device of the stage of the LM head."""

    kept: StageKv
    weights: int


_NOTHING = StageKv(0, 0, 0)
_NO_DRAFT = _Draft(_NOTHING, 0)


@dataclass(frozen=True)
class _Stage:
    """A stage that keeps something: what of a session, and the draft model's weights on a device [B]."""

    place: Place
    kept: StageKv
    draft_weights: int


def holders_of(deployed: Deployed) -> tuple[Holder, ...]:
    """Return what every stage keeps of a session and has left, group by group.

    The plan's own reckoning decides what is left: weights with a slot for every expert there is room for, buffers,
    and the KV cache of every sequence in flight on the fullest data-parallel rank; those sequences use the draft
    model as well, whose weights and KV cache lie beside theirs.
    """
    weights = placed_weight_bytes(deployed.model, deployed.placement, deployed.groups)
    buffers = {use.role: use.activations_bytes for use in deployed.plan.memory}
    return tuple(
        _holder(deployed, stage, (weights[stage.place], buffers[stage.place[0]])) for stage in _stages(deployed)
    )


def _stages(deployed: Deployed) -> list[_Stage]:
    found = []
    head, draft = place_of(deployed.placement.lm_head), _draft(deployed)
    for role, shape in deployed.shapes.items():
        tokens = deployed.groups[role].device.paged(deployed.context)
        kept = stage_kv(deployed.model, deployed.placement, shape, tokens)
        for stage in range(shape.stages):
            mine = kept.get(stage, _NOTHING)
            extra = draft if (role, stage) == head else _NO_DRAFT
            both = _sum(mine, extra.kept)
            if both.layers:
                found.append(_Stage((role, stage), both, extra.weights))
    return found


def _draft(deployed: Deployed) -> _Draft:
    if deployed.draft is None:
        return _NO_DRAFT
    group = deployed.groups[deployed.placement.lm_head.role]
    return _Draft(_whole_kv(group, deployed.draft, deployed.context), model_weight_bytes(group, deployed.draft))


def _whole_kv(group: Group, model: ModelGraph, context: int) -> StageKv:
    """Return what a device keeps of a session of a model that lies whole on its stage."""
    tokens, found = group.device.paged(context), _NOTHING
    for ops in model.layer_ops:
        held = ops.core.held_bytes(tokens, group.shape.tp)
        found = _sum(found, StageKv(bool(held), held, ops.core.held_bytes(tokens)))
    return found


def _sum(one: StageKv, other: StageKv) -> StageKv:
    return StageKv(
        one.layers + other.layers, one.device_bytes + other.device_bytes, one.whole_bytes + other.whole_bytes
    )


def _holder(deployed: Deployed, stage: _Stage, beside: tuple[int, int]) -> Holder:
    """Return a stage as the plan says it; ``beside`` are the model's weights and buffers on a device [B]."""
    role, number = stage.place
    shape, device, batch = deployed.shapes[role], deployed.groups[role].device, deployed.plan.batch
    assert batch is not None
    in_flight = batch.microbatches_in_flight * max(shape.sequences_per_rank) * stage.kept.device_bytes
    return Holder(
        role=role,
        stage=number,
        ranks=deployed.num_replicas * len(shape.sequences_per_rank),
        layers=stage.kept.layers,
        session_tokens=device.paged(deployed.context),
        device_bytes=stage.kept.device_bytes,
        whole_bytes=stage.kept.whole_bytes,
        draft_weights_bytes=stage.draft_weights,
        free_bytes=_free_bytes(device, beside[0] + stage.draft_weights, beside[1] + in_flight),
    )


def _free_bytes(device: Device, weights: int, cached: int) -> int:
    """Return what is left for paused sessions; what weights lack of a tier of their own, where they do [B]."""
    if not device.is_split:
        return device.usable_bytes - weights - cached
    free, lacking = device.usable_cache_bytes - cached, min(0, device.usable_bytes - weights)
    return min(free, max(0, free) + lacking)
