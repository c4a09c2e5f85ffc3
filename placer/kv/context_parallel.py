"""Context parallelism of decode attention: when splitting a sequence's KV cache over ranks pays.

Every rank attends to its share of the tokens and has, per sequence and head, a partial output, a largest score and a
sum of weights; an all-reduce of ``heads * (head_dim + 2)`` numbers merges them. Bytes a device reads and FLOPs fall by
the number of ranks, floors do not. Queries are taken to be on all ranks already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placer.cost.block_time import core_s
from placer.cost.collective import all_reduce_s
from placer.cost.group import Group
from placer.errors import InputError
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.kv.answer import CpAnswer
from placer.kv.break_even import break_even_context

#: Partial outputs, largest scores and sums travel in FP32.
PARTIAL_BYTES = 4


@dataclass(frozen=True)
class Split:
    """Decode attention of one step, all layers [s].

    Attributes
    ----------
    alone_s
        One rank holds all sequences.
    split_s
        All sequences split over the ranks, in the layers where that is faster.
    dealt_s
        Whole sequences dealt to as many ranks; the fullest decides.
    split_layers
        Layers that are split.
    """

    alone_s: float
    split_s: float
    dealt_s: float
    split_layers: int


def merge_bytes(op: Op, tp: int, sequences: int) -> float:
    """Return what a device contributes to merging the partial outputs of a layer [B].

    ``heads / tp * (head_dim + 2)`` numbers a sequence; ``head_dim`` is that of what attention returns, the latent's
    where all heads share one.
    """
    if not op.num_heads:
        return 0.0
    return sequences * PARTIAL_BYTES * (op.intermediate_width + 2.0 * op.num_heads) / tp


def merge_s(group: Group, cp: int, message_bytes: float) -> float:
    """Return the time to merge partial outputs over so many ranks [s]; beyond a domain all of it crosses the far link.

    Raises
    ------
    InputError
        If the fleet names no link between the devices.
    """
    is_near = group.shape.tp * cp <= group.domain
    link = group.scale_up if is_near or group.scale_out is None else group.scale_out
    if link is None:
        raise InputError(f"no link between devices of pool {group.shape.pool} is known; expected one to split over")
    return all_reduce_s(link, cp, message_bytes)


def attention_s(group: Group, op: Op, sequences: float, context: int) -> float:
    """Return the time of one layer's core; a fraction of a sequence reads that fraction of its cache."""
    return float(core_s(group, op, np.array([float(sequences)]), context)[0])


def split(model: ModelGraph, group: Group, cp: int, sequences: int, context: int) -> Split:
    """Return decode attention with and without context parallelism.

    Parameters
    ----------
    model
        The lowered model; layers without a KV cache are left out.
    group
        Devices and tensor-parallel degree of one rank, and links.
    cp
        Ranks a sequence is split over.
    sequences
        Sequences decoded at once, all ranks together.
    context
        Tokens in the KV cache of each.
    """
    total = np.zeros(3)
    layers = 0
    for entry in model.layer_classes:
        op = entry.ops.core
        if not op.caches:
            continue
        alone = attention_s(group, op, sequences, context)
        shared = attention_s(group, op, sequences / cp, context)
        merged = shared + (merge_s(group, cp, merge_bytes(op, group.shape.tp, sequences)) if cp > 1 else 0.0)
        dealt = attention_s(group, op, -(-sequences // cp), context)
        total += entry.count * np.array([alone, min(alone, merged), dealt])
        layers += entry.count if merged < alone else 0
    return Split(float(total[0]), float(total[1]), float(total[2]), layers)


def context_parallel(model: ModelGraph, group: Group, cp: int, sequences: int, context: int) -> CpAnswer:
    """Return whether splitting every sequence's KV cache over ranks pays, and from which context on.

    See `split` for the parameters.

    Raises
    ------
    InputError
        If the fleet names no link between the devices.
    """
    found = split(model, group, cp, sequences, context)
    page = group.device.kv_page_tokens

    def beats(rival: str) -> int | None:
        def holds(tokens: int) -> bool:
            times = split(model, group, cp, sequences, tokens)
            return times.split_s < float(getattr(times, rival))

        return break_even_context(holds, page)

    held = sum(
        entry.count * entry.ops.core.held_bytes(group.device.paged(context), group.shape.tp)
        for entry in model.layer_classes
    )
    return CpAnswer(
        cp=cp,
        batch=sequences,
        sequence_bytes=held / cp,
        alone_s=found.alone_s,
        split_s=found.split_s,
        dealt_s=found.dealt_s,
        split_layers=found.split_layers,
        pays=found.split_s < found.alone_s,
        pays_against_dealing=found.split_s < found.dealt_s,
        break_even_context=beats("alone_s"),
        break_even_context_against_dealing=beats("dealt_s"),
    )
