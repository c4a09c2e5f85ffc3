"""A group that computes prompts: times of its stages, and what lies on them (``docs/service.md``, "A prompt")."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet
from placer.catalog.kernel import KernelFamily
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.plan.placement import GroupPlan, Role
from placer.plan.service import PrefillPool
from placer.verify.recompute.blocks import embedding_s, head_s
from placer.verify.recompute.crossing import stage_hop_s
from placer.verify.recompute.group import Group, group_of
from placer.verify.recompute.load import Microbatch
from placer.verify.recompute.pages import sequence_tokens
from placer.verify.recompute.prompt import Chunk
from placer.verify.recompute.prompt_layer import Carried, prompt_layer_s
from placer.verify.recompute.weights import shard_bytes

#: Chances that a token selects each expert, by layer with experts.
Chances = Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True)
class Held:
    """Bytes on the fullest device.

    Attributes
    ----------
    total
        Weights, KV cache and buffers [B].
    items
        Shards that were cut: each may have been rounded up by a byte.
    at_rest, cached
        Weights, and the rest, each where there is most of it [B].
    taken
        By the measure of the declared space, in bytes of the weights' tier: of every layer the larger of its two shares
        of a device, where KV cache has a tier of its own.
    """

    total: float
    items: int
    at_rest: float
    cached: float
    taken: float

    def fits(self, device: Device, slack: float) -> bool:
        """Return whether a device has room, within some bytes either way."""
        if not device.is_split:
            return self.total <= device.usable_bytes + slack
        return self.at_rest <= device.usable_bytes + slack and self.cached <= device.usable_cache_bytes + slack


def prefill_group(pool: PrefillPool, fleet: Fleet) -> Group:
    """Return a group of a pool with its hardware; its pool must be in the fleet."""
    ranks = max(1, pool.width // pool.tp)
    shape = GroupPlan(
        role=Role.HOST,
        pool=pool.pool,
        stages=pool.stages,
        width=pool.width,
        tp=pool.tp,
        expert_tp=pool.expert_tp,
        sequences_per_rank=(pool.chunks.prompts,) * ranks,
    )
    return group_of(shape, fleet)


def stage_of(layer: int, num_layers: int, stages: int) -> int:
    """Return the stage of a layer.

    >>> [stage_of(layer, 5, 2) for layer in range(5)]
    [0, 0, 0, 1, 1]
    """
    return layer * stages // num_layers


def stage_times(
    model: ModelGraph, group: Group, batch: Microbatch, chunks: Sequence[Chunk], chances: Chances
) -> NDArray[np.float64]:
    """Return how long every stage works on every chunk, the hop to the next stage included [s].

    Returns
    -------
    ndarray, shape (num_stages, num_chunks)
    """
    times = np.zeros((group.shape.stages, len(chunks)))
    for number, chunk in enumerate(chunks):
        times[:, number] = _chunk_times(model, group, batch, chunk, chances)
    return times


def _chunk_times(
    model: ModelGraph, group: Group, batch: Microbatch, chunk: Chunk, chances: Chances
) -> NDArray[np.float64]:
    stages, carried = group.shape.stages, Carried(group, batch, chunk=chunk)
    passing, tokens = carried.passing(chunk.rank_tokens)
    layer_s = layer_times(model, carried, chances)
    times = np.zeros(stages)
    for layer in range(len(model.layer_ops)):
        times[stage_of(layer, len(model.layer_ops), stages)] += layer_s(layer)
    times[0] += embedding_s(model.embedding, passing, tokens)
    if chunk.is_last:
        times[-1] += head_s(model.lm_head, carried.passing(chunk.prompts)[0])
    times[:-1] += stage_hop_s(passing, float(tokens.hidden_bytes * tokens.tokens)) if stages > 1 else 0.0
    return times


def layer_times(model: ModelGraph, carried: Carried, chances: Chances) -> Callable[[int], float]:
    """Return a function of a layer's number: its time [s]; equal layers are worked out once."""
    known: dict[tuple[int, bytes], float] = {}

    def layer_s(layer: int) -> float:
        ops, mine = model.layer_ops[layer], chances.get(layer)
        key = (id(ops), b"" if mine is None else mine.tobytes())
        if key not in known:
            family = KernelFamily.MLA if ops.core.is_latent else KernelFamily.ATTENTION
            known[key] = prompt_layer_s(ops, family, mine, carried)
        return known[key]

    return layer_s


def busiest_s(times: NDArray[np.float64]) -> float:
    """Return how long the busiest stage works on all chunks, ``B``."""
    return float(times.sum(axis=1).max())


def alone_s(times: NDArray[np.float64]) -> float:
    """Return when the last stage is done with the last chunk, where a prompt meets no other (a flow shop's time).

    >>> alone_s(np.array([[1.0, 1.0], [3.0, 2.0]]))
    6.0
    """
    done = np.zeros(times.shape[1])
    for stage in times:
        clear = 0.0
        for chunk, duration in enumerate(stage):
            clear = max(clear, float(done[chunk])) + float(duration)
            done[chunk] = clear
    return float(done[-1])


def held_bytes(model: ModelGraph, group: Group, batch: Microbatch, chunks: Sequence[Chunk], tokens: int) -> Held:
    """Return what the fullest device holds: its stage, the KV cache of ``2 q`` prompts in pages, buffers.

    ``tokens`` are those of a prompt.
    """
    prompts, largest = chunks[0].prompts, max(chunk.rank_tokens for chunk in chunks)
    buffers, paged = buffer_bytes(model, group, batch, largest), sequence_tokens(group, tokens)
    stages = [_Shelf(group) for _ in range(group.shape.stages)]
    stages[0].add(model.embedding, group.shape.tp)
    stages[0].keep(0.0, 0)
    stages[-1].add(model.lm_head, group.shape.tp)
    stages[-1].keep(0.0, 0)
    for layer, ops in enumerate(model.layer_ops):
        shelf = stages[stage_of(layer, len(model.layer_ops), len(stages))]
        beside = (ops.dense,) if ops.moe is None else (ops.moe.router, ops.moe.shared)
        for op in (*ops.attention, *(op for op in beside if op is not None)):
            shelf.add(op, group.shape.tp)
        if ops.moe is not None:
            shelf.add(ops.moe.expert, group.shape.expert_tp, group.slots(ops.moe.num_experts))
        shelf.keep(2 * prompts * sequence_bytes(ops.core, group.shape.tp, paged), 2 * prompts)
    fullest = max(stages, key=lambda shelf: shelf.total)
    return Held(
        total=fullest.total + buffers,
        items=fullest.items,
        at_rest=max(shelf.at_rest for shelf in stages),
        cached=max(shelf.cached for shelf in stages) + buffers,
        taken=max(shelf.taken for shelf in stages) + buffers * (_rate(group.device) or 1.0),
    )


class _Shelf:
    """What a device of a stage holds, while it is filled."""

    def __init__(self, group: Group) -> None:
        self.group, self.items = group, 0
        self.at_rest = self.cached = self.taken = self._of_layer = 0.0

    @property
    def total(self) -> float:
        return self.at_rest + self.cached

    def add(self, op: Op, cuts: int, count: int = 1) -> None:
        volume = count * shard_bytes(op, self.group.device, cuts)
        self.at_rest += volume
        self._of_layer += volume
        self.items += count * len(op.matrices) if cuts > 1 else 0

    def keep(self, size: float, items: int) -> None:
        """Add the KV cache of the layer whose ops were added last; of size 0, that of ops outside the layers."""
        self.cached += size
        rate = _rate(self.group.device)
        self.taken += max(self._of_layer, rate * size) if rate else self._of_layer + size
        self._of_layer = 0.0
        self.items += items if self.group.shape.tp > 1 else 0


def _rate(device: Device) -> float:
    """Return bytes of the weights' tier that are the same share of it as a byte is of the KV tier; 0 without one."""
    return device.usable_bytes / max(1, device.usable_cache_bytes) if device.is_split else 0.0


def buffer_bytes(model: ModelGraph, group: Group, batch: Microbatch, rank_tokens: int) -> float:
    """Return two hidden states of every token of a rank, and room to send and receive its copies."""
    top_k = max((ops.moe.top_k for ops in model.layer_ops if ops.moe), default=0)
    return batch.hidden_bytes * (2.0 * rank_tokens + 2.0 * top_k * rank_tokens / group.shape.tp)


def sequence_bytes(core: Op, ranks: int, tokens: int) -> float:
    """Return what one of some tensor-parallel ranks keeps of a sequence: KV cache, indices, states [B]."""
    cut, whole = float(core.state_bytes), 0.0
    for cache in core.caches:
        volume = cache.kept(tokens) * cache.entry_bytes
        cut, whole = (cut, whole + volume) if cache.is_index else (cut + volume, whole)
    return whole + cut / min(ranks, core.kv_max_shards)
