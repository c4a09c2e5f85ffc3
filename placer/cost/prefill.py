"""Prefill on a group of its own: time of every stage, latency of a prompt, memory (``docs/service.md``).

A prompt passes the stages chunk by chunk: chunk ``j`` enters a stage when the stage before has done with it and the
stage itself with chunk ``j - 1``. Layer ``l`` of ``L`` lies on stage ``l S // L``: as even as whole layers allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.cost import block_bytes, block_time, collective, prompt_pass
from placer.cost.group import Array, Batch, Group
from placer.cost.prompt_pass import Chunks
from placer.cost.room import taken
from placer.cost.shape import GroupShape
from placer.graph.layer_class import LayerOps
from placer.graph.model_graph import ModelGraph

#: Prompts whose KV cache a rank has room for: one that is computed, one on its way to the decoding devices.
PROMPTS_HELD = 2


def first_layers(num_layers: int, stages: int) -> list[int]:
    """Return the first layer of every stage.

    >>> first_layers(5, 2)
    [0, 3]
    """
    return [-(-stage * num_layers // stages) for stage in range(stages)]


@dataclass(frozen=True)
class PrefillKind:
    """A kind of prefill group, and what it does with a prompt.

    Attributes
    ----------
    shape
        Devices of one group.
    chunks
        How prompts pass.
    prompt_s
        How long the busiest stage works on the prompts that a group takes at a time.
    latency_s
        From the first chunk of a prompt to the last, where it meets no other.
    held_bytes
        On the fullest device.
    """

    shape: GroupShape
    chunks: Chunks
    prompt_s: float
    latency_s: float
    held_bytes: float

    @property
    def slots(self) -> int:
        """Prompts that a group's busiest stage works on at a time: servers, as a queue sees them."""
        return self.shape.dp * int(self.chunks.prompts)

    @property
    def prompts_per_s(self) -> float:
        """What one group computes at full load."""
        return self.slots / self.prompt_s


@dataclass(frozen=True)
class LayerTimes:
    """Times of one pass, by chunk, on one stage shape.

    Attributes
    ----------
    layers : ndarray, shape (num_layers, num_chunks)
        By layer.
    embedding : ndarray, shape (num_chunks,)
        Before the first layer.
    lm_head
        After the last layer, for the last token of every prompt.
    """

    layers: Array
    embedding: Array
    lm_head: float


Chances = Mapping[int, NDArray[np.float64]]


def layer_times(model: ModelGraph, group: Group, ways: Sequence[Chunks], chances: Chances) -> list[LayerTimes]:
    """Return the times of a pass through every layer, for every way in which prompts may pass.

    Parameters
    ----------
    model, group
        What lies where; ``group`` has the shape of one stage.
    ways
        How prompts may pass; they are computed together.
    chances
        Chance that a token selects each expert, by layer with experts.
    """
    spec, shape = model.spec, group.shape
    hidden = spec.hidden_size, spec.precision.dispatch
    tokens = np.concatenate([chunks.rank_tokens for chunks in ways])
    known: dict[tuple[int, bytes], Array] = {}
    loads: dict[bytes, tuple[Array, Array] | None] = {b"": None}
    layers = []
    for number, ops in enumerate(model.layer_ops):
        selected = chances.get(number)
        routing = b"" if selected is None else selected.tobytes()
        if selected is not None and routing not in loads:
            loads[routing] = prompt_pass.expert_load(selected, shape.ep, tokens * shape.dp)
        key = id(ops), routing
        if key not in known:
            core = np.concatenate([prompt_pass.core_s(group, ops.core, chunks) for chunks in ways])
            known[key] = prompt_pass.layer_s(group, ops, tokens, core, loads[routing], hidden)
        layers.append(known[key])
    batch = Batch(tokens * shape.dp, tokens, tokens / shape.tp)
    embedding = block_time.embedding_s(group, model.embedding, batch, spec.hidden_size)
    sampled = np.array([float(chunks.prompts) for chunks in ways])
    lm_head = block_time.lm_head_s(group, model.lm_head, Batch(sampled * shape.dp, sampled, sampled / shape.tp))
    ends = np.cumsum([len(chunks.tokens) for chunks in ways])[:-1]
    by_way = np.split(np.stack(layers), ends, axis=1), np.split(embedding, ends), lm_head.tolist()
    return [LayerTimes(*each) for each in zip(*by_way, strict=True)]


def hop_s(group: Group, rank_tokens: Array, hidden_size: int) -> Array:
    """Return the time hidden states take to the next stage, every device sending its share to its like."""
    if group.shape.stages == 1:
        return np.zeros_like(rank_tokens)
    link = group.stage_link
    message = rank_tokens * (hidden_size * block_time.HIDDEN_BYTES / group.shape.tp)
    return collective.hop_s(link.latency, link.effective_bytes_per_s, message)


def stage_times(times: LayerTimes, stages: int, hop: Array) -> Array:
    """Return how long every stage works on every chunk of a prompt, hops to the next stage included.

    Returns
    -------
    ndarray, shape (stages, num_chunks)
    """
    busy = np.add.reduceat(times.layers, first_layers(len(times.layers), stages), axis=0)
    busy[0] += times.embedding
    busy[-1, -1] += times.lm_head
    busy[:-1] += hop
    return busy


def latency_s(busy: Array) -> float:
    """Return when the last stage has done with the last chunk of a prompt that met no other (a flow shop).

    Parameters
    ----------
    busy : ndarray, shape (stages, num_chunks)
        As `stage_times` returns it.

    Examples
    --------
    >>> latency_s(np.array([[1.0, 1.0], [2.0, 2.0]]))
    5.0
    """
    done = np.zeros(busy.shape[1])
    for stage in busy:
        total = np.cumsum(stage)
        done = total + np.maximum.accumulate(done - (total - stage))
    return float(done[-1])


@dataclass(frozen=True)
class Holdings:
    """Bytes of a model on a device of one stage shape.

    Attributes
    ----------
    weights, kv_per_prompt : ndarray, shape (num_layers,)
        By layer, on every device.
    embedding, lm_head
        On the first and the last stage.
    """

    weights: Array
    kv_per_prompt: Array
    embedding: int
    lm_head: int

    def fullest(self, stages: int, prompts: float, rate: float = 0.0) -> float:
        """Return the bytes on a device of the fullest of some stages, hidden states left out [B].

        With the ``rate`` of a split device, the room that is taken (`placer.cost.room`).
        """
        firsts = first_layers(len(self.weights), stages)
        by_stage = np.add.reduceat(taken(self.weights, prompts * self.kv_per_prompt, rate), firsts)
        by_stage[0] += self.embedding
        by_stage[-1] += self.lm_head
        return float(by_stage.max())


def holdings(model: ModelGraph, group: Group, context: int) -> Holdings:
    """Return what a device holds of every layer, KV cache of one prompt at a context; stages are left out."""
    known: dict[int, tuple[int, int]] = {}
    for ops in model.layer_ops:
        if id(ops) not in known:
            known[id(ops)] = _weights(group, ops), block_bytes.kv_bytes_per_sequence(group, ops.core, context)
    by_layer = np.array([known[id(ops)] for ops in model.layer_ops], dtype=np.float64)
    embedding, lm_head = (block_bytes.cut_bytes(group, op) for op in (model.embedding, model.lm_head))
    return Holdings(by_layer[:, 0], by_layer[:, 1], embedding, lm_head)


def hidden_bytes(model: ModelGraph, group: Group, chunks: Chunks) -> float:
    """Return the hidden states of the largest chunk on a device, and room to exchange them [B]."""
    shape = group.shape
    top_k = max((ops.moe.top_k for ops in model.layer_ops if ops.moe), default=0)
    tokens = np.array([max(chunks.rank_tokens)])
    batch = Batch(tokens * shape.dp, tokens, tokens / shape.tp)
    return float(block_bytes.buffer_bytes(batch, model.spec.hidden_size, top_k)[0])


def _weights(group: Group, ops: LayerOps) -> int:
    held = block_bytes.attention_bytes(group, ops)
    if ops.moe is None:
        return held + (block_bytes.cut_bytes(group, ops.dense) if ops.dense is not None else 0)
    shared = block_bytes.cut_bytes(group, ops.moe.shared) if ops.moe.shared else 0
    return held + shared + block_bytes.expert_bytes(group, ops.moe, ops.moe.num_experts)


def exposed_s(transfer_s: float, prefill_s: float, num_layers: int) -> float:
    """Return what of a transfer of KV cache, layer by layer behind prefill, is not hidden by it (physics E2).

    The last layer always is seen; the others only as far as the link is slower than prefill.

    >>> round(exposed_s(0.5, 1.0, 10), 6), round(exposed_s(2.0, 1.0, 10), 6)
    (0.05, 1.1)
    """
    return max(transfer_s / num_layers, transfer_s - prefill_s * (num_layers - 1) / num_layers)
