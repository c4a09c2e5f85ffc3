"""Time and bytes of drafting (``docs/speculation.md``): on the devices of the LM head, or on a pool of its own.

A pass runs through the whole drafter on one stage, for one token of every sequence of a microbatch. On the devices of
the LM head it is cut like the model's ops there. Sequences are not cut, experts have no copies and are taken as equally
popular.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np

from placer.catalog.fleet import Fleet
from placer.cost import block_bytes, block_time
from placer.cost.group import Array, Batch, Group
from placer.cost.loads import ExpertLoads
from placer.graph.drafter import Drafter
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps

#: Bytes of a token id.
TOKEN_ID_BYTES = 4


def _uncut(group: Group) -> Group:
    """Return a group whose sequences are not cut and whose experts have no copies."""
    return replace(group, shape=replace(group.shape, cp=1, spare_slots=0))


@cache
def _even_loads(num_experts: int, top_k: int) -> ExpertLoads:
    return ExpertLoads(np.full(num_experts, top_k / num_experts))


def pass_s(group: Group, drafter: Drafter, batch: Batch, context: int) -> Array:
    """Return the time of one pass, in series: embedding, layers with their exchanges, LM head.

    Parameters
    ----------
    group, drafter
        The devices of the LM head, and what runs there.
    batch
        A microbatch with one token of every sequence.
    context
        Tokens a token attends to.

    Returns
    -------
    ndarray, shape (num_sizes,) [s]
    """
    group, model = _uncut(group), drafter.model
    hidden = model.spec.hidden_size
    time = block_time.embedding_s(group, model.embedding, batch, hidden)
    time = time + block_time.lm_head_s(group, model.lm_head, batch)
    if drafter.projection is not None:
        time = time + block_time.gemm_s(group, drafter.projection, group.shape.tp, batch.rank_tokens)
        time = time + block_time.gather_s(group, batch.rank_tokens, hidden)
    for entry in model.layer_classes:
        attention = block_time.attention_s(group, entry.ops, batch, context, hidden)
        time = time + entry.count * (attention + _ffn_s(group, drafter, entry.ops, batch))
    return time


def _ffn_s(group: Group, drafter: Drafter, ops: LayerOps, batch: Batch) -> Array:
    spec, moe = drafter.model.spec, ops.moe
    if moe is None:
        assert ops.dense is not None
        return block_time.dense_s(group, ops.dense, batch, spec.hidden_size)
    loads, everything = _even_loads(moe.num_experts, moe.top_k), (0, moe.num_experts)
    copies = block_time.copies(group, loads, everything)
    there, back = block_time.exchange_s(group, copies, batch, moe.width, spec.precision.dispatch)
    time = block_time.shared_s(group, moe, batch) + block_time.experts_s(group, moe, loads, everything, batch)
    return time + there + back + block_time.reduce_s(group, batch.rank_tokens, spec.hidden_size)


def weight_bytes(group: Group, drafter: Drafter) -> int:
    """Return the weights of a drafter on one device of the stage that holds it [B]."""
    group, model = _uncut(group), drafter.model
    held = block_bytes.cut_bytes(group, model.embedding)
    held += 0 if drafter.shares_head else block_bytes.cut_bytes(group, model.lm_head)
    module = block_bytes.cut_bytes(group, drafter.projection) if drafter.projection is not None else 0
    for entry in model.layer_classes:
        module += entry.count * _layer_bytes(group, entry.ops)
    return held + drafter.modules * module


def _layer_bytes(group: Group, ops: LayerOps) -> int:
    held, moe = block_bytes.attention_bytes(group, ops), ops.moe
    if isinstance(moe, MoeOps):
        shared = block_bytes.cut_bytes(group, moe.shared) if moe.shared else 0
        return held + shared + block_bytes.expert_bytes(group, moe, moe.num_experts)
    assert ops.dense is not None
    return held + block_bytes.cut_bytes(group, ops.dense)


def in_flight_bytes(group: Group, drafter: Drafter, batch: Batch, capacity: tuple[int, int]) -> Array:
    """Return the KV cache and buffers of a drafter for one microbatch in flight, on one device [B].

    Parameters
    ----------
    group, drafter, batch
        As for `pass_s`.
    capacity
        Tokens of a sequence there must be room for, and states of it that are kept, where the drafter has any.

    Returns
    -------
    ndarray, shape (num_sizes,)
    """
    group, model = _uncut(group), drafter.model
    context, states = capacity
    kept = sum(
        entry.count * block_bytes.kv_bytes_per_sequence(group, entry.ops.core, context, states)
        for entry in model.layer_classes
    )
    top_k = max((entry.ops.moe.top_k for entry in model.layer_classes if entry.ops.moe), default=0)
    buffers = block_bytes.buffer_bytes(batch, model.spec.hidden_size, top_k)
    return drafter.modules * kept * batch.rank_tokens + buffers


def round_trip_s(fleet: Fleet, pools: Iterable[str], beside: str, ids: Array) -> Array:
    """Return the time token ids take to a pool that drafts and back, over the slowest link of a replica's pools.

    Parameters
    ----------
    fleet, pools, beside
        Where links are looked up, pools of a replica, and the one that drafts.
    ids : ndarray, shape (num_sizes,)
        Token ids that go one way or the other.

    Returns
    -------
    ndarray, shape (num_sizes,)
        Infinity where no link joins the drafter to some pool.
    """
    time = np.zeros_like(ids)
    for pool in pools:
        cross = fleet.cross_link(pool, beside)
        if cross is None:
            return np.full_like(ids, np.inf)
        rate = min(fleet.port_bytes_per_s(cross, name) for name in (pool, beside))
        latency = fleet.link_types[cross.link].latency
        time = np.maximum(time, 2.0 * latency + ids * (TOKEN_ID_BYTES / rate))
    return time
