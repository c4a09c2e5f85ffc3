"""Computing a dropped session again on the devices of a plan."""

from __future__ import annotations

from collections import defaultdict

from placer.graph.ffns.moe import MoeOps
from placer.kv.deployed import Deployed
from placer.kv.prefill import attention_s, dense_s, prefill_s, routed_s, shared_s
from placer.kv.weights import Place, place_of
from placer.plan.placement import FfnPart, LayerPlacement


def recompute_s(deployed: Deployed) -> float:
    """Return the least time to prefill a session again on its data-parallel rank [s].

    A prompt may be streamed through stages and groups in pieces: then the busiest stage decides, and it is never less.
    Experts of a group are the rank's even share of its devices, as in `placer.kv.prefill`.
    """
    seconds: defaultdict[Place, float] = defaultdict(float)
    tokens = deployed.context
    for placed in deployed.placement.layers:
        ops, role = deployed.model.layer_ops[placed.layer], placed.attention.role
        seconds[place_of(placed.attention)] += attention_s(deployed.groups[role], ops, tokens)
        for part in placed.ffn:
            seconds[place_of(part.at)] += _part_s(deployed, placed, part)
    if deployed.draft is not None:
        head = deployed.placement.lm_head
        group = deployed.groups[head.role]
        seconds[place_of(head)] += sum(
            entry.count * prefill_s(group, entry.ops, tokens) for entry in deployed.draft.layer_classes
        )
    return max(seconds.values())


def _part_s(deployed: Deployed, placed: LayerPlacement, part: FfnPart) -> float:
    """Return the time of a part of a layer's FFN; the first has the shared experts."""
    ops, group = deployed.model.layer_ops[placed.layer], deployed.groups[part.at.role]
    if ops.moe is None or part.experts is None:
        return dense_s(group, ops, deployed.context)
    shared = shared_s(group, ops.moe, deployed.context) if part is placed.ffn[0] else 0.0
    return shared + routed_s(group, ops.moe, _selected(deployed, placed, ops.moe, part.experts), deployed.context)


def _selected(deployed: Deployed, placed: LayerPlacement, moe: MoeOps, layout: str) -> float:
    """Return how many of a token's experts lie in a part, on average."""
    if len(placed.ffn) == 1:
        return float(moe.top_k)
    experts = {expert for rank in deployed.placement.experts[layout].experts_by_rank for expert in rank}
    return float(deployed.selections[placed.layer][sorted(experts)].sum())
