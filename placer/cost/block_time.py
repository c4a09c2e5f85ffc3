"""Time of the blocks of a layer on a group: attention, dense FFN, experts near and far, embedding, LM head.

All functions are vectorised over batch sizes and include the collectives inside the group.
"""

from __future__ import annotations

import numpy as np

from placer.catalog.kernel import KernelFamily
from placer.cost import context_parallel
from placer.cost.collective import all_gather_s, all_reduce_s, all_to_all_s, hop_s
from placer.cost.expert_load import copies_per_token
from placer.cost.group import Array, Batch, Group
from placer.cost.loads import ExpertLoads
from placer.cost.op_time import Work, kernel_time_s
from placer.cost.shard import held_format, shard_flops_per_token, stored_shard_bytes
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.graph.op import Op
from placer.model.precision import ElementFormat, WeightFormat

#: Hidden states travel in BF16, except into experts, where the model says.
HIDDEN_BYTES = 2


def gemm_s(group: Group, op: Op, shards: int, tokens: Array) -> Array:
    """Return the time of an op made of weight matrices, cut over ``shards`` devices."""
    weights, precision = held_format(op, group.device)
    work = Work(
        np.full_like(tokens, stored_shard_bytes(op, shards, group.device)),
        tokens * shard_flops_per_token(op, shards),
        op.kernels,
        op.depth(shards),
        tokens * (HIDDEN_BYTES * op.handled(shards)),
    )
    return kernel_time_s(
        group.device.kernel(KernelFamily.GEMM, weights),
        work,
        bandwidth_bytes_per_s=group.device.compute_tier.bandwidth,
        peak_flops_per_s=group.device.peak[precision],
    )


def core_s(group: Group, op: Op, tokens: Array, context: int, per_sequence: int = 1) -> Array:
    """Return the time of a mixer's core: what is kept of the rank's sequences, read and one token written.

    Of a sequence cut over context-parallel ranks, each works on its tokens for the heads of all of them. Where several
    of the ``tokens`` belong to one sequence (``per_sequence``), they share what they read.
    """
    family = KernelFamily.MLA if op.is_latent else KernelFamily.ATTENTION
    precision = held_format(op, group.device)[1]
    tp, cp = group.shape.tp, group.shape.cp if op.splits_context else 1
    work = Work(
        tokens / per_sequence * op.moved_bytes(context, tp, cp, per_sequence),
        tokens * ((cp * op.context_flops(op.local_context(context, cp)) + op.flops_per_token) / tp),
        op.kernels,
    )
    return kernel_time_s(
        group.device.kernel(family, WeightFormat(op.cache_format.value)),
        work,
        bandwidth_bytes_per_s=group.device.cache_tier.bandwidth,
        peak_flops_per_s=group.device.peak[precision],
    )


def reduce_s(group: Group, tokens: Array, hidden_size: int) -> Array:
    """Return the time to sum hidden states over the tensor-parallel ranks."""
    if group.shape.tp == 1:
        return np.zeros_like(tokens)
    return all_reduce_s(group.link, group.shape.tp, tokens * (hidden_size * HIDDEN_BYTES))


def gather_s(group: Group, tokens: Array, hidden_size: int) -> Array:
    """Return the time to spread hidden states that arrived from elsewhere over the tensor-parallel ranks."""
    if group.shape.tp == 1:
        return np.zeros_like(tokens)
    return all_gather_s(group.link, group.shape.tp, tokens * (hidden_size * HIDDEN_BYTES))


def attention_s(group: Group, ops: LayerOps, batch: Batch, context: int, hidden_size: int) -> Array:
    """Return the time of an attention block and, where experts follow, of the router."""
    tokens, tp = batch.rank_tokens, group.shape.tp
    time = gemm_s(group, ops.projection, tp, tokens) + core_s(group, ops.core, tokens, context, batch.per_sequence)
    time += context_parallel.merge_s(group, ops.core, tokens)
    time += gemm_s(group, ops.output, tp, tokens)
    if ops.has_mixer:
        time += reduce_s(group, tokens, hidden_size)
    return time + gemm_s(group, ops.moe.router, 1, tokens) if ops.moe else time


def dense_s(group: Group, op: Op, batch: Batch, hidden_size: int) -> Array:
    """Return the time of a dense FFN; nothing where a layer has none."""
    if not op.matrices:
        return np.zeros_like(batch.tokens)
    tokens = batch.rank_tokens
    return gemm_s(group, op, group.shape.tp, tokens) + reduce_s(group, tokens, hidden_size)


def experts_s(group: Group, moe: MoeOps, loads: ExpertLoads, part: tuple[int, int], batch: Batch) -> Array:
    """Return the time of routed experts on the busiest rank, at least; the fused kernel's floor is paid once."""
    ranks = group.shape.expert_ranks
    slots = ranks.slots(part[1] - part[0])
    pairs = loads.busiest(part, ranks, batch.tokens)
    return np.asarray(np.minimum.reduce([loaded_experts_s(group, moe, load, slots) for load in pairs]))


def loaded_experts_s(group: Group, moe: MoeOps, load: tuple[Array, Array], slots: int) -> Array:
    """Return the time of routed experts for a load: experts touched and tokens served on the busiest rank.

    ``slots`` is how many of them a rank holds, copies included.
    """
    touched, served = load
    (weights, precision), cut = held_format(moe.expert, group.device), group.shape.expert_tp
    flops = shard_flops_per_token(moe.expert, cut)
    work = Work(
        touched * stored_shard_bytes(moe.expert, cut, group.device),
        served * flops,
        1,
        moe.expert.depth(cut),
        served * (HIDDEN_BYTES * moe.expert.handled(cut)),
        touched * flops,
        slots,
    )
    return kernel_time_s(
        group.device.kernel(KernelFamily.MOE, weights),
        work,
        bandwidth_bytes_per_s=group.device.compute_tier.bandwidth,
        peak_flops_per_s=group.device.peak[precision],
    )


def copies(group: Group, loads: ExpertLoads, part: tuple[int, int]) -> float:
    """Return to how many devices of the group one token must travel to reach its experts."""
    return expert_copies(group, loads.selected(part), part[1] - part[0])


def expert_copies(group: Group, num_selected: float, num_experts: int) -> float:
    """Return to how many devices of the group one token must travel, for some of the experts it holds."""
    return copies_per_token(num_selected, num_experts, group.shape.ep) * group.shape.expert_tp


def exchange_s(
    group: Group, copies_: float, batch: Batch, hidden_size: int, dispatch: ElementFormat
) -> tuple[Array, Array]:
    """Return the times to send tokens to their experts, and to bring the sums back, inside the group."""
    if group.shape.width == 1:
        return np.zeros_like(batch.tokens), np.zeros_like(batch.tokens)
    sent = batch.device_tokens * (copies_ * hidden_size)
    shape = (group.shape.width, group.domain)
    there = all_to_all_s(group.link, group.scale_out, shape, sent * dispatch.element_bytes)
    return there, all_to_all_s(group.link, group.scale_out, shape, sent * HIDDEN_BYTES)


def shared_s(group: Group, moe: MoeOps, batch: Batch) -> Array:
    """Return the time of the shared experts, zero where there are none."""
    if moe.shared is None:
        return np.zeros_like(batch.tokens)
    return gemm_s(group, moe.shared, group.shape.tp, batch.rank_tokens)


def embedding_s(group: Group, op: Op, batch: Batch, hidden_size: int) -> Array:
    """Return the time to look tokens up."""
    tokens, (weights, precision) = batch.rank_tokens, held_format(op, group.device)
    lookup = kernel_time_s(
        group.device.kernel(KernelFamily.GEMM, weights),
        Work(tokens * float(hidden_size * HIDDEN_BYTES), np.zeros_like(tokens), op.kernels),
        bandwidth_bytes_per_s=group.device.compute_tier.bandwidth,
        peak_flops_per_s=group.device.peak[precision],
    )
    return lookup + reduce_s(group, tokens, hidden_size)


def lm_head_s(group: Group, op: Op, batch: Batch) -> Array:
    """Return the time of the LM head and of agreeing on the best token (a value and an id per rank)."""
    tokens, tp = batch.rank_tokens, group.shape.tp
    time = gemm_s(group, op, tp, tokens)
    return time if tp == 1 else time + all_gather_s(group.link, tp, tokens * (8.0 * tp))


def stage_hops_s(group: Group, batch: Batch, hidden_size: int) -> Array:
    """Return the time hidden states take from a stage to the next at least, whichever link the stages end up on."""
    links = [link for link in (group.scale_up, group.scale_out) if link is not None]
    message = batch.tokens * float(hidden_size * HIDDEN_BYTES)
    times = [hop_s(link.latency, group.shape.width * link.effective_bytes_per_s, message) for link in links]
    return np.minimum.reduce(times) if times else np.zeros_like(message)
