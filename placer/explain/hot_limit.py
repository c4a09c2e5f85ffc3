"""What limits a split layer: either side, the link, room on the sidecar, or nothing that would make a token cheaper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placer.explain.hot_deal import dealt
from placer.explain.layer import cost_of_layer
from placer.plan.hot import HotLimit
from placer.plan.placement import LayerPlacement, Role
from placer.verify.context import Context
from placer.verify.recompute.collectives import gather_hidden_s
from placer.verify.recompute.figures import step_time_s
from placer.verify.recompute.flow import place_of, trace
from placer.verify.recompute.layer import LayerCost
from placer.verify.recompute.load import part_load
from placer.verify.recompute.weights import shard_bytes

#: What counts as shorter.
_SHORTER = 1.0 - 1e-9


@dataclass(frozen=True)
class Sides:
    """Both sides of a split layer, one microbatch [s].

    Attributes
    ----------
    cold_s
        Shared and cold experts on the host, with their exchange.
    hot_s
        Hot experts on the sidecar.
    link_s
        There and back, and the gather on the host.
    """

    cold_s: float
    hot_s: float
    link_s: float

    @property
    def away_s(self) -> float:
        """How long tokens for hot experts are away."""
        return self.hot_s + self.link_s

    @property
    def longest_s(self) -> float:
        """How long the layer takes after attention."""
        return max(self.cold_s, self.away_s)


def sides_of(context: Context, cost: LayerCost) -> Sides:
    """Return the sides of a split layer of some cost."""
    link, host = context.replica.link, context.groups[Role.HOST]
    hops = link.hop_s(cost.out_bytes) + link.hop_s(cost.back_bytes)
    return Sides(
        cold_s=cost.parts_s[0] + cost.exchange_s,
        hot_s=cost.parts_s[1],
        link_s=hops + gather_hidden_s(host, context.replica.batch),
    )


def limit_of(context: Context, costs: list[LayerCost], placed: LayerPlacement) -> HotLimit:
    """Return what limits a split layer.

    The side it waits for; where that is the cold one, what speaks against the next level: the sidecar would take
    longer than the host takes now, the step would be no shorter (price), or there is no room. Else it is the cold side.

    Parameters
    ----------
    context
        The plan.
    costs
        Of all its layers.
    placed
        The layer.
    """
    now = sides_of(context, costs[placed.layer])
    if now.away_s > now.cold_s:
        return _away(now)
    more = _next_level(context, placed)
    if more is None:
        return HotLimit.COLD
    cost = _cost_at(context, placed, more)
    then = sides_of(context, cost)
    if then.longest_s >= now.longest_s * _SHORTER:
        return _away(then) if then.away_s >= then.cold_s else HotLimit.COLD
    changed = [*costs[: placed.layer], cost, *costs[placed.layer + 1 :]]
    step = step_time_s(trace(context.model, context.placement, changed, context.replica), context.replica)
    if step >= step_time_s(context.flow, context.replica) * _SHORTER:
        return HotLimit.PRICE
    return HotLimit.COLD if _has_room(context, placed, more) else HotLimit.SRAM


def _away(sides: Sides) -> HotLimit:
    return HotLimit.LINK if sides.link_s > sides.hot_s else HotLimit.HOT


def _num_hot(context: Context, placed: LayerPlacement) -> int:
    return sum(map(len, context.placement.experts[placed.ffn[-1].experts or ""].experts_by_rank))


def _next_level(context: Context, placed: LayerPlacement) -> int | None:
    """Return the next number of hot experts of the declared space, if there is one."""
    counts = context.scenario.space.hot_counts(len(context.selections[placed.layer]))
    return next((count for count in counts if count > _num_hot(context, placed)), None)


def _cost_at(context: Context, placed: LayerPlacement, num_hot: int) -> LayerCost:
    """Return the cost of a layer with another number of hot experts."""
    selection = context.selections[placed.layer]
    order = np.argsort(-selection, kind="stable")
    loads = [
        part_load(selection, dealt(context, placed.layer, role, ids), context.replica.batch.sequences)
        for role, ids in ((Role.HOST, order[num_hot:]), (Role.SIDECAR, order[:num_hot]))
    ]
    return cost_of_layer(context, placed, loads)


def _has_room(context: Context, placed: LayerPlacement, num_hot: int) -> bool:
    group, moe = context.groups[Role.SIDECAR], context.model.layer_ops[placed.layer].moe
    assert moe is not None
    slots = [-(-count // group.expert_ranks) for count in (_num_hot(context, placed), num_hot)]
    each = shard_bytes(moe.expert, group.device, group.shape.expert_tp)
    place = place_of(placed.ffn[-1].at)
    memory = next(device for device in context.memory if device.place == place)
    used = memory.at_rest if group.device.is_split else memory.total
    return used + (slots[1] - slots[0]) * each <= group.device.usable_bytes
