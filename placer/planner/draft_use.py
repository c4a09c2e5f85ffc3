"""What drafting takes and brings in a plan."""

from __future__ import annotations

import math

import numpy as np

from placer.cost import draft
from placer.cost.group import build_group, exact_batch
from placer.plan.plan import Plan
from placer.plan.speculation import DrafterPool, SpeculationUse
from placer.planner.depths import Depth
from placer.planner.devices import first_devices
from placer.scenario.speculation import Speculation
from placer.search.leaf import Found


def drafting_use(depth: Depth, found: Found, plan: Plan, without: float | None) -> SpeculationUse:
    """Return what drafting takes and brings."""
    assert plan.time is not None
    speculation = plan.scenario.speculation
    assert speculation is not None
    draft_s, weights, kept = _drafting(depth, found)
    round_trip_s = _round_trip_s(depth, found)
    waiting_s = 0.0 if depth.searcher.cost.step.is_overlapped else draft_s + round_trip_s
    return SpeculationUse(
        drafter=drafter_name(speculation),
        draft_tokens=depth.draft_tokens,
        tokens_per_step=depth.gained,
        draft_s=draft_s,
        round_trip_s=round_trip_s,
        verify_s=plan.time.path_s - waiting_s,
        weights_bytes=weights,
        kept_bytes=kept,
        pool=_drafter_pool(depth, found),
        usd_per_million_output_tokens_without=without,
    )


def drafter_name(speculation: Speculation) -> str:
    """Return what drafts, in a word."""
    return str(speculation.kind) if speculation.draft is None else speculation.draft.name


def _drafting(depth: Depth, found: Found) -> tuple[float, int, int]:
    """Return the time of all passes [s], and the weights and what is kept on a device that drafts [B]."""
    cost, candidate = depth.searcher.cost, found.candidate
    if cost.step.drafter is None:
        return 0.0, 0, 0
    shape = cost.step.beside or candidate.shapes[int(found.layout.outside_on_side[1])]
    group = build_group(cost.scenario.fleet, shape)
    batch = exact_batch(np.array([float(candidate.most)]), shape)
    one_pass = draft.pass_s(group, cost.step.drafter, batch, cost.scenario.workload.mean_context)
    capacity = cost.capacity_context, cost.step.width
    kept = candidate.in_flight * draft.in_flight_bytes(group, cost.step.drafter, batch, capacity)
    passes_s = cost.step.draft_tokens * float(one_pass[0])
    return passes_s, draft.weight_bytes(group, cost.step.drafter), math.ceil(float(kept[0]))


def _round_trip_s(depth: Depth, found: Found) -> float:
    """Return the time to a drafter on a pool of its own and back [s]."""
    cost, candidate = depth.searcher.cost, found.candidate
    if cost.step.beside is None:
        return 0.0
    pools = tuple(shape.pool for shape in candidate.shapes)
    ids = np.array([float(candidate.most * cost.step.ids)])
    return float(draft.round_trip_s(cost.scenario.fleet, pools, cost.step.beside.pool, ids)[0])


def _drafter_pool(depth: Depth, found: Found) -> DrafterPool | None:
    """Return the devices that draft on a pool of their own."""
    shape, fleet = depth.searcher.cost.step.beside, depth.searcher.cost.scenario.fleet
    if shape is None:
        return None
    starts = first_devices(fleet.pool(shape.pool), shape, found.rental.replicas)
    return DrafterPool(
        pool=shape.pool,
        width=shape.width,
        expert_tp=shape.expert_tp,
        first_device=tuple(stages[0] for stages in starts),
    )
