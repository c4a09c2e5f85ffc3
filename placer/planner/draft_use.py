"""What drafting takes and brings in a plan."""

from __future__ import annotations

import math

import numpy as np

from placer.cost import draft
from placer.cost.group import build_group, exact_batch
from placer.plan.plan import Plan
from placer.plan.speculation import SpeculationUse
from placer.planner.depths import Depth
from placer.scenario.speculation import Speculation
from placer.search.leaf import Found


def drafting_use(depth: Depth, found: Found, plan: Plan, without: float | None) -> SpeculationUse:
    """Return what drafting takes and brings."""
    assert plan.time is not None
    speculation = plan.scenario.speculation
    assert speculation is not None
    draft_s, weights, kept = _drafting(depth, found)
    return SpeculationUse(
        drafter=drafter_name(speculation),
        draft_tokens=depth.draft_tokens,
        tokens_per_step=depth.gained,
        draft_s=draft_s,
        verify_s=plan.time.path_s - draft_s,
        weights_bytes=weights,
        kept_bytes=kept,
        usd_per_million_output_tokens_without=without,
    )


def drafter_name(speculation: Speculation) -> str:
    """Return what drafts, in a word."""
    return str(speculation.kind) if speculation.draft is None else speculation.draft.name


def _drafting(depth: Depth, found: Found) -> tuple[float, int, int]:
    """Return the time of all passes [s], and the weights and what is kept on a device of the LM head's stage [B]."""
    cost, candidate = depth.searcher.cost, found.candidate
    if cost.step.drafter is None:
        return 0.0, 0, 0
    shape = candidate.shapes[int(found.layout.outside_on_side[1])]
    group = build_group(cost.scenario.fleet, shape)
    batch = exact_batch(np.array([float(candidate.most)]), shape)
    one_pass = draft.pass_s(group, cost.step.drafter, batch, cost.scenario.workload.mean_context)
    capacity = cost.capacity_context, cost.step.width
    kept = candidate.in_flight * draft.in_flight_bytes(group, cost.step.drafter, batch, capacity)
    passes_s = cost.step.draft_tokens * float(one_pass[0])
    return passes_s, draft.weight_bytes(group, cost.step.drafter), math.ceil(float(kept[0]))
