"""One layer: loads of its expert ranks, their bound, and the single change that would help most."""

from __future__ import annotations

import numpy as np

from placer.cost.expert_load import busiest_rank_bound
from placer.errors import InputError
from placer.plan.explanation import Help, LayerExplained, PartExplained
from placer.plan.placement import FfnPart, LayerPlacement
from placer.verify.context import Context
from placer.verify.recompute.layer import LayerCost, layer_cost
from placer.verify.recompute.load import PartLoad, part_load

Ranks = tuple[tuple[int, ...], ...]


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
            parts.append(_part(part, selection, ranks))
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


def _even(load: PartLoad, selection: np.ndarray, ranks: Ranks, sequences: int) -> PartLoad:
    """Return the load if every rank touched and served as much."""
    ids = [expert for rank in ranks for expert in rank]
    touched = float((1.0 - (1.0 - selection[ids]) ** sequences).sum()) / len(ranks)
    tokens = float(selection[ids].sum()) * sequences / len(ranks)
    return PartLoad(min(touched, load.touched), min(tokens, load.tokens), load.num_experts, load.selected)


def _part(part: FfnPart, selection: np.ndarray, ranks: Ranks) -> PartExplained:
    loads = np.array([float(selection[list(rank)].sum()) for rank in ranks])
    ids = [expert for rank in ranks for expert in rank]
    full = int(loads.argmax())
    bound = min(_bound(selection[ids], ranks), float(loads[full]))
    return PartExplained(
        role=part.at.role,
        loads=tuple(loads.tolist()),
        mean=float(loads.mean()),
        bound=bound,
        fullest_rank=full,
        fullest_load=float(loads[full]),
        fullest_experts=ranks[full],
        relative_gap=1.0 - bound / float(loads[full]) if loads[full] else 0.0,
        swap=_swap(selection, ranks, loads),
        copy_=_copy(selection, ranks, loads),
    )


def _bound(selection: np.ndarray, ranks: Ranks) -> float:
    """Return a lower bound on the fullest rank of any layout of experts in as many slots a rank.

    That of every layout, and: the rank of the hottest expert has at least as many others as do not fit elsewhere.
    """
    slots = -(-len(selection) // len(ranks))
    company = len(selection) - (len(ranks) - 1) * slots - 1
    lightest = np.sort(selection)[: max(0, company)]
    any_layout = float(busiest_rank_bound(selection[None, :], len(ranks))[0])
    return max(any_layout, float(selection.max() + lightest.sum()))


def _swap(selection: np.ndarray, ranks: Ranks, loads: np.ndarray) -> Help | None:
    """Return the swap with the fullest rank after which the fullest of all is lowest."""
    full = int(loads.argmax())
    best: Help | None = None
    for other, theirs in enumerate(ranks):
        if other == full or not theirs or not ranks[full]:
            continue
        rest = float(np.delete(loads, [full, other]).max(initial=0.0))
        less = selection[list(ranks[full])][:, None] - selection[list(theirs)][None, :]
        fullest = np.maximum(np.maximum(loads[full] - less, loads[other] + less), rest)
        at = np.unravel_index(int(fullest.argmin()), fullest.shape)
        most = float(fullest[at])
        if most < loads[full] * (1.0 - 1e-9) and (best is None or most < best.max_load):
            best = Help(
                what="swap",
                expert=ranks[full][int(at[0])],
                from_rank=full,
                to_rank=other,
                for_expert=theirs[int(at[1])],
                max_load=most,
                gain=1.0 - most / float(loads[full]),
            )
    return best


def _copy(selection: np.ndarray, ranks: Ranks, loads: np.ndarray) -> Help | None:
    """Return the second copy of an expert of the fullest rank, each copy serving half, that helps most."""
    full = int(loads.argmax())
    best: Help | None = None
    for expert in ranks[full]:
        half = float(selection[expert]) / 2.0
        for other in range(len(ranks)):
            if other == full or expert in ranks[other]:
                continue
            after = loads.copy()
            after[full] -= half
            after[other] += half
            most = float(after.max())
            if most < loads[full] * (1.0 - 1e-9) and (best is None or most < best.max_load):
                gain = 1.0 - most / float(loads[full])
                best = Help(what="copy", expert=expert, from_rank=full, to_rank=other, max_load=most, gain=gain)
    return best
