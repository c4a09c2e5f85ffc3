"""What paused sessions weigh on the devices of a plan, and what the plan leaves free (``docs/kv-tiers.md``)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from placer.catalog.device import TierRole
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.scenario.retention import RetentionTier
from placer.verify.context import Context
from placer.verify.recompute.flow import Place, place_of
from placer.verify.recompute.group import Group
from placer.verify.recompute.prefill import stage_seconds, whole_seconds
from placer.verify.recompute.weights import shard_bytes


@dataclass(frozen=True)
class HeldBy:
    """What a device of a stage keeps of one session.

    Attributes
    ----------
    layers
        Layers that keep something.
    device, whole
        Bytes on each device, and on its tensor-parallel ranks with every byte once [B].
    draft_weights
        Weights of the draft model on each device [B].
    free
        Left beside the plan, and the draft model's share of it [B].
    """

    layers: int
    device: int
    whole: int
    draft_weights: int
    free: float


def session_pages(context: Context, group: Group) -> int:
    """Return the tokens of a session's pages."""
    page = group.device.kv_page_tokens
    return -(-context.scenario.workload.capacity_context // page) * page


def held_by_stage(context: Context, draft: ModelGraph | None) -> dict[Place, HeldBy]:
    """Return what the stages of a plan keep of a session; stages that keep nothing are left out."""
    head = place_of(context.placement.lm_head)
    cores: dict[Place, list[Op]] = {memory.place: [] for memory in context.memory}
    for layer in context.placement.layers:
        cores[place_of(layer.attention)].append(context.model.layer_ops[layer.layer].core)
    if draft is not None:
        cores[head] += [ops.core for ops in draft.layer_ops]
    found: dict[Place, HeldBy] = {}
    for memory in context.memory:
        group = context.groups[memory.place[0]]
        volumes = [_volumes(core, group, session_pages(context, group)) for core in cores[memory.place]]
        device, whole = (sum(volume[side] for volume in volumes) for side in (0, 1))
        weights = _weights(draft, group) if draft is not None and memory.place == head else 0
        active = context.batch.microbatches_in_flight * group.rank_tokens * device
        at_rest = memory.at_rest
        if device:
            free = group.device.usable_cache_bytes - memory.activations - active
            lacking = group.device.usable_bytes - at_rest - weights
            if not group.device.is_split:
                free -= at_rest + weights
            elif lacking < 0:
                free = min(free, max(0.0, free) + lacking)
            found[memory.place] = HeldBy(sum(1 for volume in volumes if volume[0]), device, whole, weights, free)
    return found


def _volumes(core: Op, group: Group, tokens: int) -> tuple[int, int]:
    """Return what a core keeps of a session on a device, and on all of them with every byte once [B]."""
    cut, copied = core.state_bytes, 0
    for cache in core.caches:
        volume = cache.kept(tokens) * cache.entry_bytes
        cut, copied = (cut, copied + volume) if cache.is_index else (cut + volume, copied)
    return copied + math.ceil(cut / min(group.shape.tp, core.kv_max_shards)), copied + cut


def _weights(model: ModelGraph, group: Group) -> int:
    """Return the weights of a model that lies whole on a stage, on one of its devices [B]."""
    tp, device, total = group.shape.tp, group.device, 0.0
    ops = [model.embedding, model.lm_head]
    for layer in model.layer_ops:
        ops += [*layer.attention, *([layer.dense] if layer.dense is not None else [])]
        if layer.moe is not None:
            ops += [layer.moe.router, *([layer.moe.shared] if layer.moe.shared is not None else [])]
            slots = math.ceil(layer.moe.num_experts / group.expert_ranks)
            total += slots * shard_bytes(layer.moe.expert, device, group.shape.expert_tp)
    return round(total + sum(shard_bytes(op, device, tp) for op in ops))


def recompute_s(context: Context, draft: ModelGraph | None) -> float:
    """Return the time to compute a session again: the busiest stage, the prompt streamed through them [s]."""
    tokens = context.scenario.workload.capacity_context
    busy = stage_seconds(context.model, context.placement, context.groups, context.selections, tokens)
    if draft is not None:
        head = place_of(context.placement.lm_head)
        busy[head] = busy.get(head, 0.0) + whole_seconds(draft, context.groups[head[0]], tokens)
    return max(busy.values())


def tiers_below(context: Context, group: Group) -> list[RetentionTier]:
    """Return the tiers of a group's devices that sessions may wait in: the device's own, replaced by those given."""
    given = {tier.name: tier for tier in context.scenario.retention.tiers}
    own = [tier for tier in group.device.memory if tier.role is TierRole.OFFLOAD]
    found = [
        given.get(str(tier.tier))
        or RetentionTier.model_construct(
            name=str(tier.tier), capacity=tier.capacity, bandwidth=tier.bandwidth, latency=0.0
        )
        for tier in own
    ]
    return found + [tier for name, tier in given.items() if name not in {each.name for each in found}]
