"""Bytes of the blocks of a layer on one device of a group."""

from __future__ import annotations

from placer.cost.group import Array, Batch, Group
from placer.cost.shard import stored_shard_bytes
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.graph.op import Op


def attention_bytes(group: Group, ops: LayerOps) -> int:
    """Return weights of an attention block, the replicated router included."""
    held = sum(stored_shard_bytes(op, group.shape.tp, group.device) for op in ops.attention)
    return held + (stored_shard_bytes(ops.moe.router, 1, group.device) if ops.moe else 0)


def kv_bytes_per_sequence(group: Group, op: Op, context: int, states: int = 1) -> int:
    """Return KV cache, in whole pages, indices and states of one sequence; what TP and CP cannot cut is replicated."""
    shape = group.shape
    return op.held_bytes(group.device.paged(context, shape.cp), shape.tp, shape.cp, states)


def cut_bytes(group: Group, op: Op) -> int:
    """Return the weights of an op cut over the tensor-parallel ranks."""
    return stored_shard_bytes(op, group.shape.tp, group.device)


def expert_bytes(group: Group, moe: MoeOps, num_experts: int) -> int:
    """Return the weights of an expert-parallel rank's slots for so many experts of the group, filled or not."""
    slots = group.shape.expert_ranks.slots(num_experts)
    return slots * stored_shard_bytes(moe.expert, group.shape.expert_tp, group.device)


def buffer_bytes(batch: Batch, hidden_size: int, top_k: int) -> Array:
    """Return activations of one microbatch in flight, on the fullest device; `context_parallel` has those of CP.

    Two BF16 hidden states per token of the rank, and room to send and to receive ``top_k`` copies of the
    device's share of the tokens (``docs/method.md``, activations).
    """
    hidden = 2.0 * hidden_size
    return hidden * (2.0 * batch.rank_tokens + 2.0 * top_k * batch.device_tokens)
