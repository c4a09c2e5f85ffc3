"""Time of one pass of prompt tokens through a layer: prefill in chunks, alone or beside a decoding batch (physics A3).

A pass takes some new tokens of every data-parallel rank through a layer. Arrays have one entry per pass: the chunks of
a prompt differ in what lies before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from placer.catalog.kernel import KernelFamily
from placer.cost import block_time
from placer.cost.expert_load import touched_probability
from placer.cost.group import Array, Batch, Group
from placer.cost.op_time import Work, kernel_time_s
from placer.cost.shard import held_format
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.graph.op import Op
from placer.model.precision import ElementFormat, WeightFormat


@dataclass(frozen=True)
class Chunks:
    """What a data-parallel rank prefills at a time.

    Attributes
    ----------
    prompts
        Prompts side by side; 1 where a prompt is cut.
    offsets, tokens
        By chunk of a prompt: tokens whose KV cache is there already, and new ones.
    """

    prompts: float
    offsets: tuple[int, ...]
    tokens: tuple[int, ...]

    @property
    def rank_tokens(self) -> Array:
        """New tokens of a rank in every pass, shape (num_chunks,)."""
        return self.prompts * np.array(self.tokens, dtype=np.float64)

    @property
    def end(self) -> int:
        """Tokens of the KV cache after the last chunk."""
        return self.offsets[-1] + self.tokens[-1]


def cut_prompt(new_tokens: int, found_tokens: int, budget: int) -> Chunks:
    """Return how prompts pass with at most ``budget`` new tokens of a rank at a time.

    Short prompts pass side by side, as many as fit; long ones in chunks, one prompt after the other.

    >>> cut_prompt(1000, 24, 2048)
    Chunks(prompts=2, offsets=(24,), tokens=(1000,))
    >>> cut_prompt(5, 0, 2).tokens
    (2, 2, 1)
    """
    if budget >= new_tokens:
        return Chunks(budget // new_tokens, (found_tokens,), (new_tokens,))
    starts = range(0, new_tokens, budget)
    return Chunks(
        1,
        tuple(found_tokens + start for start in starts),
        tuple(min(budget, new_tokens - start) for start in starts),
    )


@lru_cache(maxsize=512)
def _core_work(op: Op, chunks: Chunks) -> tuple[Array, Array, Array, Array]:
    """Return FLOPs, pairs of tokens, bytes read, and the longest read of a mixer's core, by chunk of one prompt."""
    ends = [start + new for start, new in zip(chunks.offsets, chunks.tokens, strict=True)]
    flops, pairs, read, depth = (np.zeros(len(ends)) for _ in range(4))
    for number, (start, end) in enumerate(zip(chunks.offsets, ends, strict=True)):
        flops[number] = op.prompt_flops(end) - op.prompt_flops(start)
        for cache in op.caches:
            read[number] += min(cache.kept(start), cache.read_over(end)) * cache.entry_bytes
            if not cache.is_index:
                pairs[number] = max(pairs[number], cache.read_over(end) - cache.read_over(start))
                depth[number] = max(depth[number], cache.read(end))
    return flops, pairs, read, depth


def core_s(group: Group, op: Op, chunks: Chunks) -> Array:
    """Return the time of a mixer's core over the chunks of a prompt, shape (num_chunks,).

    Every new token attends to those before it; what was kept before the chunk is read once.
    """
    device, tp = group.device, group.shape.tp
    family = KernelFamily.MLA_PREFILL if op.is_latent else KernelFamily.ATTENTION_PREFILL
    flops, pairs, read, depth = _core_work(op, chunks)
    new = np.array(chunks.tokens, dtype=np.float64)
    moved = new * (op.prompt_token_bytes / tp) + op.state_bytes / tp + read / min(tp, op.kv_max_shards)
    work = Work(
        chunks.prompts * moved,
        chunks.prompts * (flops + new * op.flops_per_token) / tp,
        op.kernels,
        depth=depth,
        scores=chunks.prompts * pairs * op.num_heads / tp,
    )
    return kernel_time_s(
        device.kernel(family, WeightFormat(op.cache_format.value)),
        work,
        bandwidth_bytes_per_s=device.cache_tier.bandwidth,
        peak_flops_per_s=device.peak[held_format(op, device)[1]],
    )


def dealt(chances: NDArray[np.float64], ranks: int) -> list[NDArray[np.int64]]:
    """Return the experts of every expert-parallel rank: the hottest first, forth and back over the ranks.

    >>> [members.tolist() for members in dealt(np.array([0.1, 0.4, 0.3, 0.2]), 2)]
    [[1, 0], [2, 3]]
    """
    hottest = np.argsort(-chances, kind="stable")
    rank = _forth_and_back(len(hottest), ranks)
    return [hottest[rank == number] for number in range(ranks)]


def _forth_and_back(count: int, ranks: int) -> NDArray[np.int64]:
    turns = np.arange(count)
    at, is_back = turns % ranks, turns // ranks % 2 == 1
    return np.where(is_back, ranks - 1 - at, at)


def expert_load(chances: NDArray[np.float64], ranks: int, tokens: Array) -> tuple[Array, Array]:
    """Return experts touched and tokens served on the busiest of some ranks, experts `dealt` to them.

    Parameters
    ----------
    chances : ndarray, shape (num_experts,)
        Chance that a token selects each expert.
    ranks
        Expert-parallel ranks.
    tokens : ndarray, shape (num_passes,)
        Tokens of a pass, all data-parallel ranks.

    Returns
    -------
    pair of ndarray, shape (num_passes,)
    """
    hottest = -np.sort(-chances)
    rank = _forth_and_back(len(hottest), ranks)
    touched, share = np.zeros((ranks, len(tokens))), np.zeros(ranks)
    np.add.at(touched, rank, touched_probability(hottest, tokens).T)
    np.add.at(share, rank, hottest)
    return touched.max(axis=0), float(share.max()) * tokens


def layer_s(
    group: Group,
    ops: LayerOps,
    rank_tokens: Array,
    core: Array,
    experts: tuple[Array, Array] | None,
    hidden: tuple[int, ElementFormat],
) -> Array:
    """Return the time of a layer for some tokens of every data-parallel rank, shape (num_passes,).

    Parameters
    ----------
    group, ops
        Where the layer lies whole, and its ops.
    rank_tokens : ndarray, shape (num_passes,)
        Tokens of the fullest data-parallel rank.
    core : ndarray, shape (num_passes,)
        Time of the mixer's core [s]: of chunks, of decoding sequences, or of both.
    experts
        Experts touched and tokens served on the busiest rank; None without experts.
    hidden
        Width of hidden states, and the format in which they travel to experts.
    """
    tp, width = group.shape.tp, hidden[0]
    batch = Batch(rank_tokens * group.shape.dp, rank_tokens, rank_tokens / tp)
    time = block_time.gemm_s(group, ops.projection, tp, rank_tokens) + core
    time = time + block_time.gemm_s(group, ops.output, tp, rank_tokens)
    if ops.has_mixer:
        time = time + block_time.reduce_s(group, rank_tokens, width)
    if ops.dense is not None:
        return time + block_time.dense_s(group, ops.dense, batch, width)
    if ops.moe is None or experts is None:
        return time
    return time + _experts_s(group, ops.moe, batch, experts, hidden)


def _experts_s(
    group: Group, moe: MoeOps, batch: Batch, load: tuple[Array, Array], hidden: tuple[int, ElementFormat]
) -> Array:
    width, dispatch = hidden
    time = block_time.gemm_s(group, moe.router, 1, batch.rank_tokens) + block_time.shared_s(group, moe, batch)
    time = time + block_time.loaded_experts_s(group, moe, load, group.shape.expert_ranks.slots(moe.num_experts))
    copies = block_time.expert_copies(group, moe.top_k, moe.num_experts) * (moe.width / width)
    there, back = block_time.exchange_s(group, copies, batch, width, dispatch)
    return time + block_time.reduce_s(group, batch.rank_tokens, width) + there + back
