"""Prefill on a group of its own: time of every stage, latency of a prompt, memory (``docs/service.md``).

A prompt passes the stages chunk by chunk: chunk ``j`` enters a stage when the stage before has done with it and the
stage itself with chunk ``j - 1``. Layer ``l`` of ``L`` lies on stage ``l S // L``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.cost import block_bytes, block_time, prompt_pass
from placer.cost.collective import hop_s
from placer.cost.group import Array, Batch, Group
from placer.cost.prompt_pass import Chunks
from placer.graph.layer_class import LayerOps
from placer.graph.model_graph import ModelGraph

#: Prompts whose KV cache a rank has room for: one that is computed, one on its way to the decoding devices.
PROMPTS_HELD = 2


def stage_of(layer: int, num_layers: int, stages: int) -> int:
    """Return the stage a layer lies on: as even as whole layers allow.

    >>> [stage_of(layer, 5, 2) for layer in range(5)]
    [0, 0, 0, 1, 1]
    """
    return layer * stages // num_layers


@dataclass(frozen=True)
class LayerTimes:
    """Times of one pass, by chunk, on one stage shape; equal layers share an array.

    Attributes
    ----------
    layers
        By layer, ndarray of shape (num_chunks,).
    embedding, lm_head
        Before the first and after the last layer; the LM head sees the last token of a prompt.
    hop
        Hidden states from a stage to the next.
    """

    layers: tuple[Array, ...]
    embedding: Array
    lm_head: float
    hop: Array


Chances = Mapping[int, NDArray[np.float64]]


def layer_times(model: ModelGraph, group: Group, chunks: Chunks, chances: Chances) -> LayerTimes:
    """Return the times of a pass through every layer; ``group`` has the shape of one stage.

    Parameters
    ----------
    model, group, chunks
        What passes where.
    chances
        Chance that a token selects each expert, by layer with experts.
    """
    spec, shape = model.spec, group.shape
    hidden = spec.hidden_size, spec.precision.dispatch
    known: dict[tuple[int, bytes], Array] = {}
    layers = []
    tokens = chunks.rank_tokens
    for number, ops in enumerate(model.layer_ops):
        selected = chances.get(number)
        key = (id(ops), b"" if selected is None else selected.tobytes())
        if key not in known:
            load = None
            if selected is not None:
                load = prompt_pass.expert_load(selected, shape.ep, tokens * shape.dp)
            core = prompt_pass.core_s(group, ops.core, chunks)
            known[key] = prompt_pass.layer_s(group, ops, tokens, core, load, hidden)
        layers.append(known[key])
    batch = Batch(tokens * shape.dp, tokens, tokens / shape.tp)
    sampled = np.array([float(chunks.prompts)])
    last = Batch(sampled * shape.dp, sampled, sampled / shape.tp)
    return LayerTimes(
        tuple(layers),
        block_time.embedding_s(group, model.embedding, batch, spec.hidden_size),
        float(block_time.lm_head_s(group, model.lm_head, last)[0]),
        _hop_s(group, tokens, spec.hidden_size),
    )


def _hop_s(group: Group, rank_tokens: Array, hidden_size: int) -> Array:
    """Return the time hidden states take to the next stage, every device sending its share to its like."""
    if group.shape.stages == 1:
        return np.zeros_like(rank_tokens)
    link = group.stage_link
    message = rank_tokens * (hidden_size * block_time.HIDDEN_BYTES / group.shape.tp)
    return hop_s(link.latency, link.effective_bytes_per_s, message)


def stage_times(times: LayerTimes, stages: int, hop: Array) -> Array:
    """Return how long every stage works on every chunk of a prompt, hops to the next stage included.

    Returns
    -------
    ndarray, shape (stages, num_chunks)
    """
    busy = np.zeros((stages, len(hop)))
    for layer, time in enumerate(times.layers):
        busy[stage_of(layer, len(times.layers), stages)] += time
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


def held_bytes(model: ModelGraph, group: Group, chunks: Chunks) -> float:
    """Return what the fullest device of a prefill group holds: weights, KV cache of prompts, hidden states [B]."""
    shape, layers = group.shape, model.layer_ops
    by_stage = np.zeros(shape.stages)
    prompts = PROMPTS_HELD * chunks.prompts
    known: dict[int, float] = {}
    for number, ops in enumerate(layers):
        if id(ops) not in known:
            kv = block_bytes.kv_bytes_per_sequence(group, ops.core, chunks.end)
            known[id(ops)] = _weights(group, ops) + prompts * kv
        by_stage[stage_of(number, len(layers), shape.stages)] += known[id(ops)]
    by_stage[0] += block_bytes.cut_bytes(group, model.embedding)
    by_stage[-1] += block_bytes.cut_bytes(group, model.lm_head)
    top_k = max((ops.moe.top_k for ops in layers if ops.moe), default=0)
    tokens = np.array([max(chunks.rank_tokens)])
    batch = Batch(tokens * shape.dp, tokens, tokens / shape.tp)
    return float(by_stage.max() + block_bytes.buffer_bytes(batch, model.spec.hidden_size, top_k)[0])


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
