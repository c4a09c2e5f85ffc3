"""Hot experts of a plan: what every split layer keeps on the sidecar, what that saves, and what limits it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from placer.cost.expert_load import touched_probability
from placer.explain.hot_limit import limit_of, sides_of
from placer.explain.layer_costs import layer_costs
from placer.graph.ffns.moe import MoeOps
from placer.plan.hot import HotExplained, HotRow, OutsideScore
from placer.plan.placement import LayerPlacement, Role, Way
from placer.verify.context import Context
from placer.verify.recompute.figures import step_time_s
from placer.verify.recompute.layer import LayerCost
from placer.verify.recompute.weights import shard_bytes


@dataclass(frozen=True)
class _Traffic:
    """What a layer's experts are read: distinct ones a microbatch touches, all and hot; share of selections."""

    touched: float
    hot: float
    selected_share: float


def explain_hot(context: Context, outside: tuple[OutsideScore, ...] = (), draws: int = 0) -> HotExplained:
    """Return what there is to say about a plan's hot experts.

    Parameters
    ----------
    context
        The plan.
    outside, draws
        Its scores under other routing, and how many random choices each averages.
    """
    costs = layer_costs(context)
    alike: dict[tuple[object, ...], list[int]] = {}
    for placed in context.placement.layers:
        if placed.way is Way.SPLIT:
            alike.setdefault(_kind(context, placed), []).append(placed.layer)
    rows = tuple(_row(context, costs, tuple(layers)) for layers in alike.values())
    saved = sum(len(row.layers) * row.saved_bytes for row in rows)
    read = sum(len(row.layers) * row.saved_bytes / row.traffic_share for row in rows if row.traffic_share)
    return HotExplained(
        rows=rows,
        side_bytes=sum(len(row.layers) * row.side_bytes for row in rows),
        saved_bytes=saved,
        traffic_share=saved / read if read else 0.0,
        law_step_time_s=step_time_s(context.flow, context.replica),
        draws=draws,
        outside=outside,
    )


def _kind(context: Context, placed: LayerPlacement) -> tuple[object, ...]:
    """Return what layers of one row have in common."""
    layouts = (context.placement.experts[part.experts or ""] for part in placed.ffn)
    parts = tuple(zip((part.at for part in placed.ffn), layouts, strict=True))
    return id(context.model.layer_ops[placed.layer]), parts, context.selections[placed.layer].tobytes()


def _row(context: Context, costs: list[LayerCost], layers: tuple[int, ...]) -> HotRow:
    placed = context.placement.layers[layers[0]]
    moe = context.model.layer_ops[placed.layer].moe
    assert moe is not None
    traffic, sides = _traffic(context, placed), sides_of(context, costs[placed.layer])
    host = context.groups[Role.HOST]
    each = shard_bytes(moe.expert, host.device, host.shape.expert_tp) * host.shape.expert_tp
    return HotRow(
        layers=layers,
        stage=placed.ffn[-1].at.stage,
        experts=moe.num_experts,
        hot=len(hot_experts(context, placed)),
        routing_share=traffic.selected_share,
        traffic_share=traffic.hot / traffic.touched,
        saved_bytes=context.batch.microbatches_in_flight * traffic.hot * each,
        side_bytes=_side_bytes(context, placed, moe),
        cold_s=sides.cold_s,
        hot_s=sides.hot_s,
        link_s=sides.link_s,
        limit=limit_of(context, costs, placed),
    )


def hot_experts(context: Context, placed: LayerPlacement) -> list[int]:
    """Return the experts of a split layer that lie on the sidecar, rising."""
    ranks = context.placement.experts[placed.ffn[-1].experts or ""].experts_by_rank
    return sorted({expert for rank in ranks for expert in rank})


def _traffic(context: Context, placed: LayerPlacement) -> _Traffic:
    selection, hot = context.selections[placed.layer], hot_experts(context, placed)
    touched = touched_probability(selection, np.array([float(context.replica.batch.sequences)]))[0]
    share = float(selection[hot].sum() / selection.sum())
    return _Traffic(float(touched.sum()), float(touched[hot].sum()), min(1.0, share))


def _side_bytes(context: Context, placed: LayerPlacement, moe: MoeOps) -> int:
    """Return the bytes of the slots of all ranks, filled or not."""
    group, hot = context.groups[Role.SIDECAR], hot_experts(context, placed)
    slots = -(-len(hot) // group.expert_ranks)
    return math.ceil(slots * shard_bytes(moe.expert, group.device, group.shape.expert_tp)) * group.shape.width
