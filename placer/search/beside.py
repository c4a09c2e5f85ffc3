"""What a drafter on a pool of its own adds to a candidate: time on the path or beside it, and whether it fits.

Every replica has one group of one stage that drafts for all its microbatches in turn. Its devices are a choice of their
own (`placer.planner.depths`); here they are given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placer.cost import draft
from placer.cost.group import Array, build_group, relaxed_batch
from placer.search.tables import CostModel, Dealer


@dataclass(frozen=True)
class Beside:
    """Seconds for one microbatch, arrays of shape (num_sizes,).

    Attributes
    ----------
    path_s
        On the critical path: all passes and the way there and back; nothing where drafting overlaps.
    busy_s
        How long the drafter works.
    alone_s
        No step is shorter where drafting overlaps: passes and both ways.
    """

    path_s: Array
    busy_s: Array
    alone_s: Array


def beside(cost: CostModel, pools: tuple[str, ...], sizes: Array, deal: Dealer = relaxed_batch) -> Beside:
    """Return what drafting beside replicas of some pools takes, for microbatches of so many sequences."""
    step, nothing = cost.step, np.zeros_like(sizes)
    if step.beside is None or step.drafter is None:
        return Beside(nothing, nothing, nothing)
    fleet, context = cost.scenario.fleet, cost.scenario.workload.mean_context
    group = build_group(fleet, step.beside)
    passes = step.draft_tokens * draft.pass_s(group, step.drafter, deal(sizes, step.beside), context)
    whole = passes + draft.round_trip_s(fleet, pools, step.beside.pool, sizes * step.ids)
    return Beside(nothing, passes, whole) if step.is_overlapped else Beside(whole, passes, nothing)


def held_bytes(cost: CostModel, size: float, in_flight: int, deal: Dealer) -> tuple[float, float]:
    """Return weights, and KV cache with buffers, on a device of the drafter [B]."""
    step = cost.step
    if step.beside is None or step.drafter is None:
        return 0.0, 0.0
    group = build_group(cost.scenario.fleet, step.beside)
    capacity = cost.capacity_context, step.width
    kept = draft.in_flight_bytes(group, step.drafter, deal(np.array([size]), step.beside), capacity)
    return float(draft.weight_bytes(group, step.drafter)), in_flight * float(kept[0])


def fits(cost: CostModel, size: float, in_flight: int, deal: Dealer) -> bool:
    """Return whether weights and all that is in flight fit a device of the drafter."""
    if cost.step.beside is None:
        return True
    device = cost.scenario.fleet.device_of(cost.step.beside.pool)
    weights, kept = held_bytes(cost, size, in_flight, deal)
    if device.is_split:
        return weights <= device.usable_bytes and kept <= device.usable_cache_bytes
    return weights + kept <= device.usable_bytes
