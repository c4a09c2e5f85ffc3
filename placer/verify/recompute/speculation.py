"""What drafting takes and brings (``docs/speculation.md``): tokens gained, and a drafter on the LM head's devices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from placer.catalog.fleet import Fleet
from placer.catalog.kernel import KernelFamily
from placer.graph.drafter import Drafter
from placer.graph.layer_class import LayerOps
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.model.mixer import CompressedAttention, LatentAttention
from placer.plan.placement import GroupPlan, Role
from placer.plan.speculation import DrafterPool
from placer.scenario.speculation import Speculation
from placer.verify.recompute.blocks import attention_s, dense_s, embedding_s, head_s, moe_s
from placer.verify.recompute.collectives import gather_hidden_s
from placer.verify.recompute.group import Group, group_of
from placer.verify.recompute.kernels import gemm_s
from placer.verify.recompute.load import Microbatch, part_load
from placer.verify.recompute.pages import sequence_tokens
from placer.verify.recompute.weights import shard_bytes


def tokens_gained(speculation: Speculation | None, drafted: int) -> float:
    """Return the tokens a step gains: one, and every drafted one whose predecessors were all accepted as well.

    Raises
    ------
    LookupError
        If the acceptance of so many is not given.
    """
    if drafted == 0:
        return 1.0
    if speculation is None:
        raise LookupError("tokens are drafted, but the scenario has no speculation")
    acceptance = speculation.acceptance
    if isinstance(acceptance, Mapping):
        return float(acceptance[drafted])
    chances = [acceptance] * drafted if isinstance(acceptance, float | int) else list(acceptance[:drafted])
    if len(chances) < drafted:
        raise LookupError(f"the acceptance of {drafted} tokens is not given")
    return 1.0 + sum(math.prod(chances[:last]) for last in range(1, drafted + 1))


@dataclass(frozen=True)
class Draft:
    """What drafts for one microbatch: on the stage of the LM head, or on a pool of its own.

    Attributes
    ----------
    passes_s
        All passes, one after the other [s].
    weights
        On a device, once [B].
    kept
        KV cache of its sequences, and buffers, on a device [B].
    items
        Terms that may each have been rounded up by a byte.
    group
        The devices of a pool of its own; None where those of the LM head draft.
    round_trip_s
        Token ids to that pool and back [s].
    is_overlapped
        Whether it drafts for the next step while this one is verified.
    """

    passes_s: float = 0.0
    weights: float = 0.0
    kept: float = 0.0
    items: int = 0
    group: Group | None = None
    round_trip_s: float = 0.0
    is_overlapped: bool = False

    @property
    def is_beside(self) -> bool:
        """Whether a pool of its own drafts."""
        return self.group is not None

    @property
    def path_s(self) -> float:
        """What of the critical path goes to drafting [s]."""
        return 0.0 if self.is_overlapped else self.passes_s + self.round_trip_s

    def busy_s(self, in_flight: int) -> float:
        """Return how long drafting keeps a pool of its own in a step; overlapped, what one draft takes at least [s]."""
        return max(in_flight * self.passes_s, self.passes_s + self.round_trip_s if self.is_overlapped else 0.0)


#: Plain decode.
NO_DRAFT = Draft()


def draft_of(drafter: Drafter, drafted: int, group: Group, batch: Microbatch) -> Draft:
    """Return what drafting so many tokens takes of a group; ``batch`` is that of the model."""
    shape = group.shape.model_copy(update={"cp": 1, "spare_slots": 0})
    group = replace(group, shape=shape, width=1)
    spec = drafter.model.spec
    own = replace(batch, width=1, hidden_size=spec.hidden_size, dispatch_bytes=spec.precision.dispatch.element_bytes)
    one = _pass_s(drafter, group, own)
    weights, matrices = _weights(drafter, group)
    kept = drafter.modules * group.rank_tokens * _sequence_bytes(drafter.model, group, batch)
    top_k = max((ops.moe.top_k for ops in drafter.model.layer_ops if ops.moe), default=0)
    buffers = own.hidden_bytes * (2 * group.rank_tokens + 2 * top_k * group.device_tokens)
    rounded = batch.in_flight * group.rank_tokens * drafter.modules * len(drafter.model.layer_ops)
    return Draft(drafted * one, weights, kept + buffers, matrices + rounded)


def _pass_s(drafter: Drafter, group: Group, batch: Microbatch) -> float:
    """Return one pass: embedding, projection and its gather, every layer with its exchange, LM head."""
    model = drafter.model
    time = embedding_s(model.embedding, group, batch) + head_s(model.lm_head, group)
    if drafter.projection is not None:
        time += gemm_s(drafter.projection, group) + gather_hidden_s(group, batch)
    costs: dict[int, float] = {}
    for number, ops in enumerate(model.layer_ops):
        if id(ops) not in costs:
            costs[id(ops)] = _layer_s(model, number, group, batch)
        time += costs[id(ops)]
    return time


def _layer_s(model: ModelGraph, number: int, group: Group, batch: Microbatch) -> float:
    ops = model.layer_ops[number]
    mixer = model.spec.mixers[model.spec.layer_kinds()[number].mixer]
    shares_entries = isinstance(mixer, LatentAttention | CompressedAttention)
    time = attention_s(ops, KernelFamily.MLA if shares_entries else KernelFamily.ATTENTION, group, batch)
    if ops.dense is not None:
        return time + dense_s(ops.dense, group, batch)
    if ops.moe is None:
        raise ValueError("a layer has neither experts nor a dense FFN")
    count, ranks = ops.moe.num_experts, group.expert_ranks
    dealt = [range(count)[rank::ranks] for rank in range(ranks)]
    load = part_load(np.full(count, ops.moe.top_k / count), dealt, batch.sequences)
    ffn = moe_s(ops.moe, group, load, batch)
    return time + ffn.work_s + ffn.exchange_s


def _weights(drafter: Drafter, group: Group) -> tuple[float, int]:
    """Return the bytes of weights on a device, and the shards they consist of."""
    tp, model = group.shape.tp, drafter.model
    once = [(model.embedding, tp)] + ([] if drafter.shares_head else [(model.lm_head, tp)])
    module = [(drafter.projection, tp)] if drafter.projection is not None else []
    for ops in model.layer_ops:
        module += _cuts(ops, group)
    shards = once + drafter.modules * module
    held = sum(shard_bytes(op, group.device, cuts) for op, cuts in shards)
    return held, sum(len(op.matrices) + len(op.vectors) for op, _ in shards)


def _cuts(ops: LayerOps, group: Group) -> list[tuple[Op, int]]:
    """Return the shards of a layer on a device, and how often their ops are cut."""
    tp = group.shape.tp
    shards = [(op, tp) for op in ops.attention]
    if ops.dense is not None:
        return [*shards, (ops.dense, tp)]
    if ops.moe is None:
        return shards
    shards += [(ops.moe.router, 1)] + ([(ops.moe.shared, tp)] if ops.moe.shared is not None else [])
    return shards + [(ops.moe.expert, group.shape.expert_tp)] * group.slots(ops.moe.num_experts)


def _sequence_bytes(model: ModelGraph, group: Group, batch: Microbatch) -> float:
    """Return what a sequence leaves of KV cache, indices and states on a device."""
    tokens, kept = sequence_tokens(group, batch.capacity_context), 0.0
    for ops in model.layer_ops:
        parts = min(group.shape.tp, ops.core.kv_max_shards)
        kept += batch.width * ops.core.state_bytes / parts
        for cache in ops.core.caches:
            volume = cache.kept(tokens) * cache.entry_bytes
            kept += volume if cache.is_index else volume / parts
    return kept


def drafter_group(pool: DrafterPool, sequences: int, fleet: Fleet) -> Group:
    """Return the devices of a pool of its own that draft for a replica: one stage, one data-parallel rank."""
    shape = GroupPlan(
        role=Role.HOST,
        pool=pool.pool,
        stages=1,
        width=pool.width,
        tp=pool.width,
        expert_tp=pool.expert_tp,
        sequences_per_rank=(sequences,),
    )
    return group_of(shape, fleet)


def round_trip_s(fleet: Fleet, pools: Iterable[str], drafter: str, ids: int) -> float:
    """Return the time token ids of 4 bytes take there and back over the slowest link, one device on either end [s].

    Raises
    ------
    ValueError
        If a pool of the replica has no link to the drafter's.
    """
    slowest = 0.0
    for pool in pools:
        cross = fleet.cross_link(pool, drafter)
        if cross is None:
            raise ValueError(f"no link joins {pool} to {drafter}")
        rate = min(fleet.port_bytes_per_s(cross, pool), fleet.port_bytes_per_s(cross, drafter))
        slowest = max(slowest, 2.0 * fleet.link_types[cross.link].latency + 4.0 * ids / rate)
    return slowest
