"""The planner's time of one decode step on a single device."""

from __future__ import annotations

import numpy as np

from placer.catalog.device import Device
from placer.cost.block_time import attention_s, dense_s, embedding_s, experts_s, lm_head_s, shared_s
from placer.cost.group import Array, Batch, Group, exact_batch
from placer.cost.loads import ExpertLoads
from placer.cost.shape import GroupShape
from placer.graph.layer_class import LayerOps
from placer.graph.model_graph import ModelGraph


def step_s(device: Device, model: ModelGraph, batch: int, context: int) -> float:
    """Return the time of one decode step: every sequence of the batch gets one token.

    Parameters
    ----------
    device
        Runs all of it.
    model
        The lowered decoder; experts count as equally popular.
    batch
        Sequences.
    context
        Tokens each of them has, the new one included.
    """
    shape = GroupShape(device.name, stages=1, width=1, tp=1, expert_tp=1)
    group = Group(shape, device, domain=1, scale_up=None, scale_out=None)
    tokens, hidden_size = exact_batch(np.array([float(batch)]), shape), model.spec.hidden_size
    time = embedding_s(group, model.embedding, tokens, hidden_size) + lm_head_s(group, model.lm_head, tokens)
    for entry in model.layer_classes:
        attention = attention_s(group, entry.ops, tokens, context, hidden_size)
        time += entry.count * (attention + _ffn_s(group, entry.ops, tokens, hidden_size))
    return float(time[0])


def _ffn_s(group: Group, ops: LayerOps, tokens: Batch, hidden_size: int) -> Array:
    if ops.dense is not None:
        return dense_s(group, ops.dense, tokens, hidden_size)
    moe = ops.moe
    if moe is None:
        return np.zeros_like(tokens.tokens)
    loads = ExpertLoads(np.full(moe.num_experts, moe.top_k / moe.num_experts))
    return experts_s(group, moe, loads, (0, moe.num_experts), tokens) + shared_s(group, moe, tokens)
