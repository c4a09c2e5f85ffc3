"""What a chunk of prompts takes in a layer of one group (``docs/service.md``, "A pass through a layer")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placer.catalog.kernel import KernelFamily
from placer.cost.op_time import Work, kernel_time_s
from placer.graph.layer_class import LayerOps
from placer.graph.op import Op
from placer.model.precision import WeightFormat
from placer.verify.recompute.blocks import dense_s, moe_s
from placer.verify.recompute.collectives import reduce_hidden_s
from placer.verify.recompute.group import Group
from placer.verify.recompute.kernels import attention_peak, core_s, gemm_s
from placer.verify.recompute.load import Microbatch, PartLoad
from placer.verify.recompute.prefill import entries_read
from placer.verify.recompute.prompt import Chunk


@dataclass(frozen=True)
class Carried:
    """What the ranks of a group carry through a layer at once.

    Attributes
    ----------
    group
        The group, with the decoded tokens of a rank as its sequences where it decodes.
    batch
        The quantities formulas need; tokens and context are those of decode.
    decoded
        Tokens of a rank that decode, ``r``.
    chunk
        Chunk of prompts that goes along; None for decode alone.
    """

    group: Group
    batch: Microbatch
    decoded: int = 0
    chunk: Chunk | None = None

    @property
    def rank_tokens(self) -> int:
        """Tokens of a rank, decoded ones and those of the chunk."""
        return self.decoded + (self.chunk.rank_tokens if self.chunk is not None else 0)

    def passing(self, rank_tokens: int) -> tuple[Group, Microbatch]:
        """Return group and batch with so many tokens on every rank."""
        ranks = self.group.data_ranks
        shape = self.group.shape.model_copy(update={"sequences_per_rank": (rank_tokens,) * ranks})
        batch = replace(self.batch, sequences=rank_tokens * ranks, width=1)
        return replace(self.group, shape=shape, width=1), batch


def prefill_core_s(core: Op, group: Group, chunk: Chunk) -> float:
    """Return the time of a mixer's core on a chunk, every token of it looking at all before it."""
    tp, prompts = group.shape.tp, chunk.prompts
    pairs = [entries_read(cache, chunk.after) - entries_read(cache, chunk.before) for cache in core.caches]
    flops = float(chunk.tokens * core.flops_per_token)
    moved = (chunk.tokens * core.prompt_token_bytes + core.state_bytes) / tp
    parts = min(tp, core.kv_max_shards)
    for cache, entries in zip(core.caches, pairs, strict=True):
        work = cache.prefill_flops_per_entry
        flops += entries * (cache.flops_per_entry if work is None else work)
        again = min(cache.kept(chunk.before), entries_read(cache, chunk.after))
        moved += again * cache.entry_bytes / parts
    longest = max((cache.read(chunk.after) for cache in core.caches if not cache.is_index), default=0)
    family = KernelFamily.MLA_PREFILL if core.is_latent else KernelFamily.ATTENTION_PREFILL
    work_of_rank = Work(
        prompts * moved,
        prompts * flops / tp,
        launches=core.kernels,
        depth=longest,
        scores=prompts * core.num_heads * max(pairs, default=0) / tp,
    )
    return float(
        kernel_time_s(
            group.device.kernel(family, WeightFormat(core.cache_format.value)),
            work_of_rank,
            bandwidth_bytes_per_s=group.device.cache_tier.bandwidth,
            peak_flops_per_s=attention_peak(group.device),
        )
    )


def dealt(chances: NDArray[np.float64], num_ranks: int) -> list[list[int]]:
    """Return the experts of every rank, dealt from the hottest, forth and back; equals in order of their number.

    >>> dealt(np.array([0.1, 0.4, 0.2, 0.3, 0.4]), 2)
    [[1, 2, 0], [4, 3]]
    """
    hottest_first = sorted(range(len(chances)), key=lambda expert: (-float(chances[expert]), expert))
    ranks: list[list[int]] = [[] for _ in range(num_ranks)]
    for position, expert in enumerate(hottest_first):
        lap, place = divmod(position, num_ranks)
        ranks[place if lap % 2 == 0 else num_ranks - 1 - place].append(expert)
    return ranks


def busiest_load(chances: NDArray[np.float64], experts_by_rank: Sequence[Sequence[int]], tokens: int) -> PartLoad:
    """Return the most any rank is touched by and serves, for so many tokens of all ranks together."""
    touched = 1.0 - (1.0 - chances) ** tokens
    return PartLoad(
        touched=max(float(touched[list(rank)].sum()) for rank in experts_by_rank),
        tokens=max(float(chances[list(rank)].sum()) for rank in experts_by_rank) * tokens,
        num_experts=len(chances),
        selected=float(chances.sum()),
    )


def prompt_layer_s(ops: LayerOps, family: KernelFamily, chances: NDArray[np.float64] | None, carried: Carried) -> float:
    """Return the time of a layer: attention, FFN, and what devices exchange for them.

    Parameters
    ----------
    ops, family
        The layer, and the kernel its decode attention runs on.
    chances : ndarray, shape (num_experts,)
        Chance that a token selects each expert; None for a layer without.
    carried
        What passes.
    """
    group, batch = carried.passing(carried.rank_tokens)
    time = _attention_s(ops, family, carried, group, batch)
    if ops.moe is None:
        return time + (dense_s(ops.dense, group, batch) if ops.dense is not None else 0.0)
    if chances is None:
        raise ValueError("a layer with experts has no routing")
    load = busiest_load(chances, dealt(chances, group.expert_ranks), batch.tokens)
    ffn = moe_s(ops.moe, group, load, batch)
    return time + ffn.work_s + ffn.exchange_s


def _attention_s(ops: LayerOps, family: KernelFamily, carried: Carried, group: Group, batch: Microbatch) -> float:
    time = gemm_s(ops.moe.router, group) if ops.moe is not None else 0.0
    if not ops.has_mixer:
        return time
    time += gemm_s(ops.projection, group) + gemm_s(ops.output, group) + reduce_hidden_s(group, batch)
    if carried.decoded:
        time += core_s(ops.core, family, carried.passing(carried.decoded)[0], carried.batch)
    if carried.chunk is not None:
        time += prefill_core_s(ops.core, group, carried.chunk)
    return time
