"""What the devices of a stage keep of one sequence, and how many tokens of it fit (``docs/method.md``, section 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.plan.placement import Placement
from placer.verify.recompute.context_parallel import own_tokens
from placer.verify.recompute.group import Group
from placer.verify.recompute.memory import DeviceMemory
from placer.verify.recompute.pages import page_tokens


@dataclass
class SequenceKv:
    """One sequence at the capacity context, in whole pages, on a stage.

    Attributes
    ----------
    layers
        Layers that keep something; each may have been rounded up by a byte.
    device
        On each device [B].
    distinct
        Of the whole sequence, every byte once [B].
    """

    layers: int = 0
    device: float = 0.0
    distinct: float = 0.0


def sequences_kv(model: ModelGraph, placement: Placement, group: Group, tokens: int) -> dict[int, SequenceKv]:
    """Return what a sequence of so many tokens leaves on every stage of a group; empty stages are left out.

    Of a mixer with a state, one is kept for every token that may be taken back.
    """
    stages: dict[int, SequenceKv] = {}
    for layer in placement.layers:
        core = model.layer_ops[layer.layer].core
        whole, cut = _volumes(core, tokens, group.width)
        if layer.attention.role is group.shape.role and cut + whole > 0:
            own_whole, own_cut = _volumes(core, own_tokens(core, group, tokens), group.width)
            kept = stages.setdefault(layer.attention.stage, SequenceKv())
            kept.layers += 1
            kept.device += own_whole + own_cut / min(group.shape.tp, core.kv_max_shards)
            kept.distinct += whole + cut
    return stages


def _volumes(core: Op, tokens: int, states: int) -> tuple[float, float]:
    """Return what heads share of so many tokens, indices, and what they are cut by [B]."""
    whole, cut = 0.0, float(states * core.state_bytes)
    for cache in core.caches:
        if cache.is_index:
            whole += cache.kept(tokens) * cache.entry_bytes
        else:
            cut += cache.kept(tokens) * cache.entry_bytes
    return whole, cut


def fitting_tokens(memory: DeviceMemory, group: Group, kept: SequenceKv, tokens: int) -> tuple[int, int]:
    """Return the least and the most whole pages, in tokens, that fit beside weights and buffers.

    The two differ where the bytes by which shards are rounded decide about a page.
    """
    page = page_tokens(group)
    room = group.device.usable_cache_bytes - memory.activations - memory.draft
    room -= 0.0 if group.device.is_split else memory.at_rest
    slack = memory.items + 1e-9 * memory.total
    pages = tokens // page
    least = math.floor(max(0.0, room - slack) * pages / (kept.device + kept.layers))
    most = math.floor(max(0.0, room + slack) * pages / kept.device)
    return least * page, most * page
