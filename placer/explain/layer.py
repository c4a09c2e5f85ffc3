"""One layer: loads of its expert ranks, their bound, and the single change that would help most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.cost.expert_load import busiest_rank_bound, copied_rank_share, most_copies
from placer.errors import InputError
from placer.plan.explanation import Help, LayerExplained, PartExplained
from placer.plan.placement import FfnPart, LayerPlacement
from placer.verify.context import Context
from placer.verify.recompute.layer import LayerCost, layer_cost
from placer.verify.recompute.load import PartLoad, copy_shares, part_load

Ranks = tuple[tuple[int, ...], ...]
Floats = NDArray[np.float64]


def explain_layer(context: Context, number: int) -> LayerExplained:
    """Return what there is to say about a layer.

    Raises
    ------
    InputError
        If the model has no such layer.
    """
    layers = context.placement.layers
    if not 0 <= number < len(layers):
        raise InputError(f"no layer {number}; the model has 0 to {len(layers) - 1}", where="--layer")
    placed = layers[number]
    ops = context.model.layer_ops[number]
    parts: list[PartExplained] = []
    found, even = list[PartLoad](), list[PartLoad]()
    if ops.moe is not None:
        selection = context.selections[number]
        for part in placed.ffn:
            ranks = context.placement.experts[part.experts or ""].experts_by_rank
            load = part_load(selection, ranks, context.replica.batch.sequences)
            found.append(load)
            even.append(_even(load, selection, ranks, context.replica.batch.sequences))
            parts.append(_part(context, part, selection, ranks))
    return LayerExplained(
        layer=number,
        way=str(placed.way),
        path_s=cost_of_layer(context, placed, found).path_s,
        balanced_path_s=cost_of_layer(context, placed, even).path_s,
        parts=tuple(parts),
    )


def cost_of_layer(context: Context, placed: LayerPlacement, loads: list[PartLoad] | None = None) -> LayerCost:
    """Return the cost of a layer, with the expert loads of its layouts or others."""
    moe = context.model.layer_ops[placed.layer].moe
    if loads is None:
        loads = []
        if moe is not None:
            selection = context.selections[placed.layer]
            ranks = [context.placement.experts[part.experts or ""].experts_by_rank for part in placed.ffn]
            loads = [part_load(selection, each, context.replica.batch.sequences) for each in ranks]
    return layer_cost(context.loaded_layer(placed, loads), context.replica)


def _even(load: PartLoad, selection: Floats, ranks: Ranks, sequences: int) -> PartLoad:
    """Return the load if every rank touched and served as much."""
    share = copy_shares(selection, ranks)[[expert for rank in ranks for expert in rank]]
    touched = float((1.0 - (1.0 - share) ** sequences).sum()) / len(ranks)
    tokens = float(share.sum()) * sequences / len(ranks)
    return PartLoad(min(touched, load.touched), min(tokens, load.tokens), load.num_experts, load.selected)


def _part(context: Context, part: FfnPart, selection: Floats, ranks: Ranks) -> PartExplained:
    share = copy_shares(selection, ranks)
    loads = np.array([float(share[list(rank)].sum()) for rank in ranks])
    experts = sorted({expert for rank in ranks for expert in rank})
    full = int(loads.argmax())
    slots = context.groups[part.at.role].slots(len(experts))
    room = slots * len(ranks) - len(experts) if context.is_uneven else 0
    bound = min(_bound(selection[experts], len(ranks), room), float(loads[full]))
    return PartExplained(
        role=part.at.role,
        loads=tuple(loads.tolist()),
        mean=float(loads.mean()),
        bound=bound,
        fullest_rank=full,
        fullest_load=float(loads[full]),
        fullest_experts=ranks[full],
        relative_gap=1.0 - bound / float(loads[full]) if loads[full] else 0.0,
        swap=_swap(share, ranks, loads),
        copy_=_copy(selection, ranks, loads),
    )


def _bound(selection: Floats, num_ranks: int, room: int) -> float:
    """Return a lower bound on the fullest rank of any layout of experts in as many slots a rank.

    That of every layout, and: the rank of the hottest expert has at least as many others as do not fit elsewhere. Where
    there is room for copies, that of every layout with them.
    """
    if room:
        lightest = selection / most_copies(selection, num_ranks)
        unsplit = float(busiest_rank_bound(lightest[None, :], num_ranks)[0])
        return max(float(selection.sum()) / num_ranks, copied_rank_share(selection, num_ranks, room), unsplit)
    slots = -(-len(selection) // num_ranks)
    company = len(selection) - (num_ranks - 1) * slots - 1
    lightest = np.sort(selection)[: max(0, company)]
    any_layout = float(busiest_rank_bound(selection[None, :], num_ranks)[0])
    return max(any_layout, float(selection.max() + lightest.sum()))


def _swap(share: Floats, ranks: Ranks, loads: Floats) -> Help | None:
    """Return the swap with the fullest rank after which the fullest of all is lowest."""
    full = int(loads.argmax())
    best: Help | None = None
    for other, theirs in enumerate(ranks):
        # A copy of what the other rank has cannot go there.
        gives = [expert for expert in ranks[full] if expert not in theirs]
        takes = [expert for expert in theirs if expert not in ranks[full]]
        if other == full or not takes or not gives:
            continue
        rest = float(np.delete(loads, [full, other]).max(initial=0.0))
        less = share[gives][:, None] - share[takes][None, :]
        fullest = np.maximum(np.maximum(loads[full] - less, loads[other] + less), rest)
        at = np.unravel_index(int(fullest.argmin()), fullest.shape)
        most = float(fullest[at])
        if most < loads[full] * (1.0 - 1e-9) and (best is None or most < best.max_load):
            best = Help(
                what="swap",
                expert=gives[int(at[0])],
                from_rank=full,
                to_rank=other,
                for_expert=takes[int(at[1])],
                max_load=most,
                gain=1.0 - most / float(loads[full]),
            )
    return best


def _copy(selection: Floats, ranks: Ranks, loads: Floats) -> Help | None:
    """Return one more copy of an expert of the fullest rank, all copies serving as much, that helps most."""
    full = int(loads.argmax())
    best: Help | None = None
    for expert in ranks[full]:
        holders = [rank for rank, members in enumerate(ranks) if expert in members]
        share = float(selection[expert]) / (len(holders) + 1)
        without = loads.copy()
        without[holders] -= float(selection[expert]) / len(holders) - share
        for other in range(len(ranks)):
            if other in holders:
                continue
            most = max(float(np.delete(without, other).max(initial=0.0)), float(without[other]) + share)
            if most < loads[full] * (1.0 - 1e-9) and (best is None or most < best.max_load):
                gain = 1.0 - most / float(loads[full])
                best = Help(what="copy", expert=expert, from_rank=full, to_rank=other, max_load=most, gain=gain)
    return best
