"""One device: what it holds, by kind, and what a step of its stage is made of."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from placer.errors import InputError, nearest_hint
from placer.explain.layer_costs import layer_costs
from placer.graph.ffns.moe import MoeOps
from placer.plan.explanation import DeviceExplained
from placer.plan.placement import FfnPart, LayerPlacement, Role, Way
from placer.verify.context import Context
from placer.verify.recompute.blocks import embedding_s, head_s
from placer.verify.recompute.flow import place_of
from placer.verify.recompute.group import Group
from placer.verify.recompute.load import copy_shares
from placer.verify.recompute.memory import DeviceMemory
from placer.verify.recompute.rental import blocks
from placer.verify.recompute.weights import shard_bytes


def explain_device(context: Context, name: str) -> DeviceExplained:
    """Return what there is to say about a device.

    Parameters
    ----------
    context
        The plan.
    name
        Such as ``rubin[3]``.

    Raises
    ------
    InputError
        If the plan uses no such device.
    """
    for replica, role, stage, first in blocks(context.placement, context.groups):
        group = context.groups[role]
        for offset in range(group.shape.width):
            if name == f"{group.pool.name}[{first + offset}]":
                return _explained(context, name, (replica, role, stage, offset))
    known = [
        f"{context.groups[role].pool.name}[{first + offset}]"
        for _, role, _, first in blocks(context.placement, context.groups)
        for offset in range(context.groups[role].shape.width)
    ]
    raise InputError(f'the plan uses no device "{name}"{nearest_hint(name, known)}', where="--device")


def _free_bytes(group: Group, memory: DeviceMemory, held: int) -> int:
    """Return what is left on a device, in the tier of the weights where the KV cache has one of its own [B]."""
    cached = math.ceil(memory.kv) + math.ceil(memory.activations) if group.device.is_split else 0
    return group.device.usable_bytes - held + cached


def _explained(context: Context, name: str, at: tuple[int, Role, int, int]) -> DeviceExplained:
    replica, role, stage, offset = at
    group = context.groups[role]
    rank = offset // group.shape.expert_tp
    held = _held(context, (role, stage), rank)
    memory = next(device for device in context.memory if device.place == (role, stage))
    held["KV cache"] = math.ceil(memory.kv)
    held["buffers"] = math.ceil(memory.activations)
    data_rank = offset // group.shape.tp
    return DeviceExplained(
        device=name,
        replica=replica,
        role=role,
        stage=stage,
        data_rank=data_rank,
        expert_rank=rank,
        bytes_by_kind={kind: count for kind, count in held.items() if count},
        free_bytes=_free_bytes(group, memory, sum(held.values())),
        layers=sum(place_of(placed.attention) == (role, stage) for placed in context.placement.layers),
        experts=sum(len(_experts(context, part, rank)) for _, part in _parts(context, (role, stage))),
        sequences=group.shape.sequences_per_rank[data_rank] * context.batch.microbatches_in_flight,
        seconds_by_kind=_seconds(context, (role, stage)),
        relative_load=_relative_load(context, (role, stage), rank),
    )


def _parts(context: Context, place: tuple[Role, int]) -> list[tuple[int, FfnPart]]:
    """Return the routed parts on a stage, with their layers."""
    return [
        (placed.layer, part)
        for placed in context.placement.layers
        for part in placed.ffn
        if part.experts is not None and place_of(part.at) == place
    ]


def _experts(context: Context, part: FfnPart, rank: int) -> tuple[int, ...]:
    return context.placement.experts[part.experts or ""].experts_by_rank[rank]


def _drafter_held(context: Context, place: tuple[Role, int]) -> dict[str, int]:
    """Return the bytes of a drafter on the stage of the LM head."""
    draft = context.replica.draft
    is_here = place_of(context.placement.lm_head) == place and not draft.is_beside
    return {"drafter": math.ceil(draft.weights)} if is_here and draft.weights else {}


def _held(context: Context, place: tuple[Role, int], rank: int) -> Counter[str]:
    """Return the bytes of weights by kind."""
    group, held = context.groups[place[0]], Counter[str]()
    tp = group.shape.tp
    for kind, at, op in (
        ("embedding", context.placement.embedding, context.model.embedding),
        ("LM head", context.placement.lm_head, context.model.lm_head),
    ):
        if place_of(at) == place:
            held[kind] += math.ceil(shard_bytes(op, group.device, tp))
    held.update(_drafter_held(context, place))
    for placed in context.placement.layers:
        ops = context.model.layer_ops[placed.layer]
        if place_of(placed.attention) == place:
            held["attention"] += math.ceil(sum(shard_bytes(op, group.device, tp) for op in ops.attention))
            if ops.moe is not None:
                held["routers"] += math.ceil(shard_bytes(ops.moe.router, group.device, tp))
        for part in placed.ffn:
            if place_of(part.at) == place:
                held.update(_ffn_held(context, placed, part, (group, rank)))
    return held


def _ffn_held(context: Context, placed: LayerPlacement, part: FfnPart, at: tuple[Group, int]) -> dict[str, int]:
    """Return the bytes of a part by kind; the first part of a layer has the shared experts."""
    (group, _), ops = at, context.model.layer_ops[placed.layer]
    tp = group.shape.tp
    if ops.dense is not None:
        return {"dense FFN": math.ceil(shard_bytes(ops.dense, group.device, tp))}
    if ops.moe is None:
        return {}
    is_first = part is placed.ffn[0]
    shared = ops.moe.shared if is_first else None
    kind = "hot experts" if placed.way is Way.SPLIT and not is_first else "experts"
    return {
        "shared experts": math.ceil(shard_bytes(shared, group.device, tp)) if shared else 0,
        kind: _expert_bytes(context, ops.moe, part, at),
    }


def _expert_bytes(context: Context, moe: MoeOps, part: FfnPart, at: tuple[Group, int]) -> int:
    group, rank = at
    each = shard_bytes(moe.expert, group.device, group.shape.expert_tp)
    return math.ceil(len(_experts(context, part, rank)) * each)


def _seconds(context: Context, place: tuple[Role, int]) -> dict[str, float]:
    """Return how long a stage works in a step, by kind, all microbatches: its busiest rank decides."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for placed, cost in zip(context.placement.layers, layer_costs(context), strict=True):
        if place_of(placed.attention) == place:
            seconds["attention"] += cost.attention_s
        for part, part_s in zip(placed.ffn, cost.parts_s, strict=True):
            if place_of(part.at) == place:
                seconds["experts" if part.experts is not None else "dense FFN"] += part_s
        if place_of(placed.ffn[0].at) == place:
            seconds["exchange of tokens"] += cost.exchange_s
    group = context.groups[place[0]]
    if place_of(context.placement.embedding) == place:
        seconds["embedding"] += embedding_s(context.model.embedding, group, context.replica.batch)
    if place_of(context.placement.lm_head) == place:
        seconds["LM head"] += head_s(context.model.lm_head, group)
        seconds["drafting"] += 0.0 if context.replica.draft.is_beside else context.replica.draft.passes_s
    return {kind: context.batch.microbatches_in_flight * time for kind, time in seconds.items() if time}


def _relative_load(context: Context, place: tuple[Role, int], rank: int) -> float:
    own = mean = 0.0
    for layer, part in _parts(context, place):
        moe = context.model.layer_ops[layer].moe
        if moe is None:
            continue
        ranks = context.placement.experts[part.experts or ""].experts_by_rank
        share = copy_shares(context.selections[layer], ranks)
        loads = [float(share[list(experts)].sum()) for experts in ranks]
        own += loads[rank]
        mean += sum(loads) / len(loads)
    return own / mean if mean else 0.0
