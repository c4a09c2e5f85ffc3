"""Naive pins, priced by the verifier's law with the groups and the batch that suit them best, of a few.

The host is one stage of all its devices, of several tensor-parallel degrees; the sidecar every shape that uses nine
tenths of its chips; one microbatch. Layers fill the sidecar's stages in order, experts are dealt to ranks as the
planner deals them. Where no shape holds as many experts as SRAM has bytes for, there are fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.hot_experts.cases import HOST, SIDE
from benchmarks.hot_experts.pins import Pins
from placer.cost.shape import GroupShape
from placer.explain.hot_deal import dealt
from placer.plan.placement import (
    ExpertLayout,
    FfnPart,
    GroupPlan,
    LayerPlacement,
    Location,
    Placement,
    ReplicaDevices,
    Role,
    Way,
)
from placer.plan.plan import BatchPlan
from placer.planner.devices import first_devices
from placer.planner.placement import deal_sequences
from placer.verify.context import Context
from placer.verify.recompute.figures import Stated, metrics_of
from placer.verify.recompute.weights import shard_bytes

ROLES = (Role.HOST, Role.SIDECAR)
#: Shares of the SRAM that are tried, the first that fits is taken; the last chips may have no room for a whole layer.
FILLS = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)

Shapes = tuple[GroupShape, GroupShape]


@dataclass(frozen=True)
class Priced:
    """The best of some pins: price, sequences, hot experts of all layers."""

    usd_per_million: float
    sequences: int
    hot: int


def best_price(context: Context, choose: Callable[[Context, float], Pins]) -> Priced | None:
    """Return the best price of a naive choice; None where nothing fits or meets the target.

    Parameters
    ----------
    context
        A plan of the same scenario.
    choose
        How many experts are hot, for so many bytes of SRAM.
    """
    fleet = context.scenario.fleet
    usable = fleet.pool(SIDE).count * fleet.device_of(SIDE).usable_bytes
    for fill in FILLS:
        pins = choose(context, fill * usable)
        shapes = [(host, side) for side in _sides(context) if _stages(context, pins, side) for host in _hosts(context)]
        best: Priced | None = None
        for pair in shapes:
            best = _largest(context, pins, pair, best)
        if best is not None:
            return best
    return None


def _hosts(context: Context) -> Iterator[GroupShape]:
    width = context.scenario.fleet.pool(HOST).count
    for tp in (1, 2, 4):
        yield GroupShape(HOST, 1, width, tp, 1)


def _sides(context: Context) -> Iterator[GroupShape]:
    pool, layers = context.scenario.fleet.pool(SIDE), len(context.model.layer_ops)
    for width in context.scenario.space.widths(pool):
        stages = min(pool.count // width, layers)
        if stages * width >= 0.9 * pool.count:
            cuts = {cut for cut in (1, 2, 4, 8, width) if width % cut == 0}
            yield from (GroupShape(SIDE, stages, width, 1, cut) for cut in sorted(cuts))


def _stages(context: Context, pins: Pins, side: GroupShape) -> dict[int, int] | None:
    """Return the sidecar's stage of every layer, filled in order; None where they do not all fit."""
    device = context.scenario.fleet.device_of(side.pool)
    stage, left, stages = 0, device.usable_bytes * 0.99, {}
    for layer, hot in pins.items():
        moe = context.model.layer_ops[layer].moe
        assert moe is not None
        held = -(-hot // side.ep) * shard_bytes(moe.expert, device, side.expert_tp)
        if held > left:
            stage, left = stage + 1, device.usable_bytes * 0.99
        left -= held
        if left < 0 or stage == side.stages:
            return None
        stages[layer] = stage
    return stages


def _largest(context: Context, pins: Pins, shapes: Shapes, best: Priced | None) -> Priced | None:
    """Return the largest batch that fits and meets the target, if larger than the best known."""
    ranks, hot = shapes[0].dp, sum(pins.values())
    low, step, is_growing = (best.sequences if best else 0) // ranks, 1, True
    while step:
        price = _price(_placed(context, pins, shapes, (low + step) * ranks))
        if price is not None:
            low, best = low + step, Priced(price, (low + step) * ranks, hot)
        is_growing = is_growing and price is not None
        step = 2 * step if is_growing else step // 2
    return best


def _price(context: Context) -> float | None:
    """Return the price by the law, or None where memory or the target forbid it."""
    if any(device.total > context.groups[device.place[0]].device.usable_bytes for device in context.memory):
        return None
    scenario, rented = context.scenario, {pool.name: pool.count for pool in context.scenario.fleet.pools}
    law = metrics_of(context.flow, context.replica, rented, Stated(1, 0.0), scenario)
    return law.usd_per_million_output_tokens if law.step_time_s <= scenario.target.step_time_s else None


def _placed(context: Context, pins: Pins, shapes: Shapes, batch: int) -> Context:
    """Return the plan with other groups and batch, and these pins."""
    groups = tuple(
        GroupPlan(
            role=role,
            pool=shape.pool,
            stages=shape.stages,
            width=shape.width,
            tp=shape.tp,
            expert_tp=shape.expert_tp,
            sequences_per_rank=deal_sequences(batch, shape.dp),
        )
        for role, shape in zip(ROLES, shapes, strict=True)
    )
    size = BatchPlan(sequences_per_microbatch=batch, microbatches_in_flight=1)
    plan = context.plan.model_copy(update={"groups": groups, "batch": size})
    bare = replace(context, plan=plan, batch=size, lowered=context.model)
    return bare.changed(bare.scenario, _placement(bare, pins, shapes))


def _placement(context: Context, pins: Pins, shapes: Shapes) -> Placement:
    fleet, stages = context.scenario.fleet, _stages(context, pins, shapes[1]) or {}
    tiers = [fleet.device_of(shape.pool).compute_tier.tier for shape in shapes]
    host = Location(role=Role.HOST, stage=0, tier=tiers[0])
    experts: dict[str, ExpertLayout] = {}
    names: dict[tuple[bytes, int, Role], str] = {}

    def part(layer: int, at: Location, first: int, last: int | None) -> FfnPart:
        selection = context.selections[layer]
        key = (selection.tobytes(), pins[layer], at.role)
        if key not in names:
            names[key] = f"{at.role}-{len(names)}"
            ids = np.argsort(-selection, kind="stable")[first:last]
            experts[names[key]] = ExpertLayout(role=at.role, experts_by_rank=dealt(context, layer, at.role, ids))
        return FfnPart(at=at, experts=names[key])

    layers = []
    for layer in range(len(context.model.layer_ops)):
        hot = pins.get(layer, 0)
        ffn = (part(layer, host, hot, None),) if layer in pins else (FfnPart(at=host),)
        if hot:
            side = Location(role=Role.SIDECAR, stage=stages[layer], tier=tiers[1])
            ffn = (*ffn, part(layer, side, 0, hot))
        layers.append(LayerPlacement(layer=layer, way=Way.SPLIT if hot else Way.NEAR, attention=host, ffn=ffn))
    first = {
        role: first_devices(fleet.pool(shape.pool), shape, 1)[0] for role, shape in zip(ROLES, shapes, strict=True)
    }
    return Placement(
        replicas=(ReplicaDevices(first_device=first),),
        embedding=host,
        lm_head=host,
        experts=experts,
        layers=tuple(layers),
    )
