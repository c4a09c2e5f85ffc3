"""Steps that take chunks of prompts along (``docs/service.md``, "Colocated steps")."""

from __future__ import annotations

from collections.abc import Sequence

from placer.graph.model_graph import ModelGraph
from placer.plan.placement import Placement, Role
from placer.verify.recompute.blocks import embedding_s, head_s
from placer.verify.recompute.collectives import gather_hidden_s
from placer.verify.recompute.crossing import stage_hop_s
from placer.verify.recompute.flow import TOKEN_BYTES
from placer.verify.recompute.pages import sequence_tokens
from placer.verify.recompute.prefill_group import Chances, buffer_bytes, layer_times, sequence_bytes
from placer.verify.recompute.prompt import Chunk
from placer.verify.recompute.prompt_layer import Carried
from placer.verify.recompute.replica import Replica


def added_s(
    model: ModelGraph, placement: Placement, replica: Replica, chunks: Sequence[Chunk], chances: Chances
) -> float:
    """Return what the chunks of a prompt add to the steps they are in, ``A = Z - n D0`` [s]."""
    alone = pass_s(model, placement, replica, None, chances)
    return sum(pass_s(model, placement, replica, chunk, chances) - alone for chunk in chunks)


def pass_s(model: ModelGraph, placement: Placement, replica: Replica, chunk: Chunk | None, chances: Chances) -> float:
    """Return a pass of every rank's sequences, a chunk along: over stages, the longest of path and turns [s]."""
    host = replica.groups[Role.HOST]
    carried = Carried(host, replica.batch, host.rank_tokens, chunk)
    group, batch = carried.passing(carried.rank_tokens)
    begun = chunk.prompts if chunk is not None and chunk.is_last else 0
    layer_s, stages = layer_times(model, carried, chances), [0.0] * host.shape.stages
    for layer in placement.layers:
        stages[layer.attention.stage] += layer_s(layer.layer)
    stages[placement.embedding.stage] += embedding_s(model.embedding, group, batch)
    stages[placement.lm_head.stage] += head_s(model.lm_head, carried.passing(host.rank_tokens + begun)[0])
    if len(stages) == 1:
        return stages[0]
    hop = stage_hop_s(group, float(batch.hidden_bytes * batch.tokens)) + gather_hidden_s(group, batch)
    back = stage_hop_s(group, float(TOKEN_BYTES * replica.batch.tokens))
    return max(sum(stages) + (len(stages) - 1) * hop + back, len(stages) * max(stages))


def prompts_bytes(model: ModelGraph, placement: Placement, replica: Replica, chunks: Sequence[Chunk]) -> list[float]:
    """Return by stage what prompts under way and chunks take on a device [B].

    For every microbatch ``q`` prompts with room for their answers, in whole pages, and buffers of the largest chunk.
    """
    host, in_flight = replica.groups[Role.HOST], replica.batch.in_flight
    paged = sequence_tokens(host, replica.batch.capacity_context)
    buffers = buffer_bytes(model, host, replica.batch, max(chunk.rank_tokens for chunk in chunks))
    stages = [in_flight * buffers] * host.shape.stages
    for layer in placement.layers:
        kept = sequence_bytes(model.layer_ops[layer.layer].core, host.shape.tp, paged)
        stages[layer.attention.stage] += in_flight * chunks[0].prompts * kept
    return stages
