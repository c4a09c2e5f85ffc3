"""Steps of replicas that prefill between their decode steps: how much longer chunks of prompts make them.

Every data-parallel rank takes a chunk of a prompt along in some of its steps. All ranks do so in the same steps. In the
mean a step is longer by what a prompt adds, times the prompts that begin per step: every sequence ends after its output
tokens, and another takes its place (``docs/service.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.cost import block_time, collective, prompt_pass
from placer.cost.group import Array, Batch, Group
from placer.cost.prefill import Chances, hop_s
from placer.cost.prompt_pass import Chunks
from placer.graph.model_graph import ModelGraph

Stages = NDArray[np.int64]
#: Bytes of a token id on its way back to the embedding.
TOKEN_ID_BYTES = 4


@dataclass(frozen=True)
class MixedSteps:
    """Times of passes through one stage shape, by sequences of a rank.

    Attributes
    ----------
    decode : ndarray, shape (num_layers, num_sizes)
        A pass without a chunk.
    prompt : ndarray, shape (num_layers, num_sizes)
        All passes that take along the chunks of a prompt (or of the prompts side by side), together.
    outside, prompt_outside : ndarray, shape (num_sizes,)
        The same of embedding and LM head.
    chunks
        How prompts are cut.
    """

    decode: Array
    prompt: Array
    outside: Array
    prompt_outside: Array
    chunks: Chunks

    @property
    def num_passes(self) -> int:
        """Passes that take along chunks of one prompt."""
        return len(self.chunks.tokens)


@dataclass(frozen=True)
class Experts:
    """How tokens spread over experts, and experts over ranks.

    Attributes
    ----------
    chances
        Chance that a token selects each expert, by layer with experts.
    is_bound
        Whether experts are as even as no layout can beat, or dealt as `prompt_pass.dealt` does.
    """

    chances: Chances
    is_bound: bool


def loads_at_least(chances: NDArray[np.float64], ranks: int, tokens: Array) -> tuple[Array, Array]:
    """Return experts touched and tokens served of a rank if all were equally busy: no layout is better."""
    alike, counts = np.unique(chances, return_counts=True)
    touched = (1.0 - np.power(1.0 - alike[None, :], tokens[:, None])) @ counts / ranks
    return touched, float(chances.sum()) / ranks * tokens


def mixed_steps(
    model: ModelGraph, group: Group, decoding: tuple[Array, int], ways: tuple[Chunks, ...], experts: Experts
) -> list[MixedSteps]:
    """Return the passes of every way to cut prompts.

    Parameters
    ----------
    model, group
        What lies where; stages are left out.
    decoding
        Sequences of a data-parallel rank, ndarray of shape (num_sizes,), and the tokens a decoded one attends to.
    ways
        How prompts may be cut.
    experts
        How tokens spread over them.
    """
    (sequences, context), chances = decoding, experts.chances
    spec, shape, size = model.spec, group.shape, len(sequences)
    added = [0.0]
    for chunks in ways:
        added += [float(chunks.rank_tokens[0]), float(chunks.rank_tokens[-1])]
    tokens = np.concatenate([sequences + more for more in added])
    hidden = spec.hidden_size, spec.precision.dispatch
    load = loads_at_least if experts.is_bound else prompt_pass.expert_load
    known: dict[tuple[int, bytes], tuple[Array, Array, list[float]]] = {}
    by_layer = []
    for number, ops in enumerate(model.layer_ops):
        selected = chances.get(number)
        key = id(ops), b"" if selected is None else selected.tobytes()
        if key not in known:
            loads = None if selected is None else load(selected, shape.ep, tokens * shape.dp)
            rest = prompt_pass.layer_s(group, ops, tokens, np.zeros_like(tokens), loads, hidden)
            core = block_time.core_s(group, ops.core, sequences, context)
            known[key] = rest, core, [float(prompt_pass.core_s(group, ops.core, chunks).sum()) for chunks in ways]
        by_layer.append(known[key])
    rest = np.stack([entry[0] for entry in by_layer]).reshape(len(by_layer), len(added), size)
    core = np.stack([entry[1] for entry in by_layer])
    batch = Batch(tokens * shape.dp, tokens, tokens / shape.tp)
    lookup = block_time.embedding_s(group, model.embedding, batch, spec.hidden_size).reshape(len(added), size)
    steps = []
    for number, chunks in enumerate(ways):
        full, last, passes = 2 * number + 1, 2 * number + 2, len(chunks.tokens)
        cores = np.array([entry[2][number] for entry in by_layer])[:, None]
        prompt = (passes - 1) * rest[:, full] + rest[:, last] + passes * core + cores
        heads = [_head_s(model, group, sequences), _head_s(model, group, sequences + chunks.prompts)]
        outside = lookup[0] + heads[0]
        taken = (passes - 1) * (lookup[full] + heads[0]) + lookup[last] + heads[1]
        steps.append(MixedSteps(rest[:, 0] + core, prompt, outside, taken, chunks))
    return steps


def _head_s(model: ModelGraph, group: Group, sampled: Array) -> Array:
    shape = group.shape
    return block_time.lm_head_s(group, model.lm_head, Batch(sampled * shape.dp, sampled, sampled / shape.tp))


@dataclass(frozen=True)
class MixedTimes:
    """What a replica of some stages does, by sequences of a rank; one microbatch in flight for every stage.

    Attributes
    ----------
    decode_s
        A step without chunks.
    prompt_s
        All steps that take along the chunks of a prompt, together: its prefill.
    num_passes
        How many those are.
    """

    decode_s: Array
    prompt_s: Array
    num_passes: int

    @property
    def added_s(self) -> Array:
        """What the chunks of a prompt add to the steps they are in, together."""
        return self.prompt_s - self.num_passes * self.decode_s

    def mean_s(self, prompts_per_step: Array) -> Array:
        """Return the mean step, where so many prompts (side by side: batches of them) begin in each."""
        return self.decode_s + prompts_per_step * self.added_s


def unstaged(steps: MixedSteps) -> MixedTimes:
    """Return the times that no division into stages can beat: layers one after the other, hops left out."""
    decode, prompt = steps.decode.sum(axis=0) + steps.outside, steps.prompt.sum(axis=0) + steps.prompt_outside
    return MixedTimes(decode, prompt, steps.num_passes)


def placed(
    model: ModelGraph, group: Group, decoding: tuple[int, int], chunks: Chunks, experts: Experts, stages: Stages
) -> MixedTimes:
    """Return the times of a replica whose layers lie on given stages, one microbatch in flight for each.

    A pass takes as long as its path with all hops, or as the longest stage takes for all microbatches.

    Parameters
    ----------
    model, group, chunks, experts
        As for `mixed_steps`.
    decoding
        Sequences of a data-parallel rank, and the tokens a decoded one attends to.
    stages : ndarray of int, shape (num_layers,)
        Stage of every layer; embedding and LM head lie on the first and the last.
    """
    sequences, context = decoding
    num_chunks, spec, shape = len(chunks.tokens), model.spec, group.shape
    tokens = sequences + np.concatenate([[0.0], chunks.rank_tokens])
    load = loads_at_least if experts.is_bound else prompt_pass.expert_load
    hidden = spec.hidden_size, spec.precision.dispatch
    by_stage, known = np.zeros((shape.stages, num_chunks + 1)), dict[tuple[int, bytes], Array]()
    for number, (ops, stage) in enumerate(zip(model.layer_ops, stages.tolist(), strict=True)):
        selected = experts.chances.get(number)
        key = id(ops), b"" if selected is None else selected.tobytes()
        if key not in known:
            loads = None if selected is None else load(selected, shape.ep, tokens * shape.dp)
            core = block_time.core_s(group, ops.core, np.array([float(sequences)]), context)
            both = core + np.concatenate([[0.0], prompt_pass.core_s(group, ops.core, chunks)])
            known[key] = prompt_pass.layer_s(group, ops, tokens, both, loads, hidden)
        by_stage[stage] += known[key]
    batch = Batch(tokens * shape.dp, tokens, tokens / shape.tp)
    by_stage[0] += block_time.embedding_s(group, model.embedding, batch, spec.hidden_size)
    sampled = np.full(num_chunks + 1, float(sequences))
    sampled[-1] += chunks.prompts
    by_stage[-1] += _head_s(model, group, sampled)
    path = by_stage.sum(axis=0)
    if shape.stages > 1:
        hop = hop_s(group, tokens, spec.hidden_size) + block_time.gather_s(group, tokens, spec.hidden_size)
        back = _ids_back_s(group, sequences)
        path = np.maximum(path + (shape.stages - 1) * hop + back, shape.stages * by_stage.max(axis=0))
    return MixedTimes(path[:1], path[1:].sum(keepdims=True), num_chunks)


def _ids_back_s(group: Group, sequences: int) -> float:
    """Return the time token ids take from the last stage back to the embedding."""
    link, shape = group.stage_link, group.shape
    message = sequences * shape.dp * TOKEN_ID_BYTES / shape.width
    return float(collective.hop_s(link.latency, link.effective_bytes_per_s, message))


def even_stages(num_layers: int, stages: int) -> Stages:
    """Return the stage of every layer where stages divide them as evenly as whole layers allow.

    >>> even_stages(5, 2).tolist()
    [0, 0, 0, 1, 1]
    """
    return np.asarray(np.arange(num_layers) * stages // num_layers, dtype=np.int64)
