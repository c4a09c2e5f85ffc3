"""Plans with speculative decoding: how many tokens to draft is decided with everything else."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from placer.plan.metrics import Alternative
from placer.plan.plan import Plan, Status
from placer.planner.alternatives import LEAST_S, alternatives
from placer.planner.assemble import Outcome, assemble
from placer.planner.depths import Depth, hold_best, search_depths, together
from placer.planner.draft_use import drafting_use
from placer.planner.planner import REASON_S, make_plan, refused, undecided
from placer.planner.refusal import refuse
from placer.planner.rescore import Achieved
from placer.planner.service import plan_service
from placer.planner.solve import Solved
from placer.progress import ProgressSink, ignore
from placer.scenario.scenario import Scenario, assert_consistent
from placer.search.leaf import Found
from placer.search.params import SolveParams
from placer.search.solve import Stop

#: Notes on alternatives that hold whatever is drafted.
_OF_ANY_DEPTH = ("not in use", "no other pool can be used")


@dataclass(frozen=True)
class _Run:
    """A question, how it is answered, and all searches for it."""

    scenario: Scenario
    params: SolveParams
    started: float
    depths: tuple[Depth, ...]

    @property
    def num_candidates(self) -> int:
        return sum(depth.searcher.num_candidates for depth in self.depths)

    @property
    def wall_s(self) -> float:
        return time.monotonic() - self.started


def plan_any(scenario: Scenario, params: SolveParams, sink: ProgressSink = ignore) -> Plan:
    """Return the plan of a scenario, the whole service or decode only; parameters are those of `plan_speculative`."""
    if scenario.service is not None:
        return plan_service(scenario, params, sink)
    plan = make_plan if scenario.speculation is None else plan_speculative
    return plan(scenario, params, sink)


def plan_speculative(scenario: Scenario, params: SolveParams, sink: ProgressSink = ignore) -> Plan:
    """Return the plan of a scenario with speculation, or a refusal, or what is known when time runs out.

    Parameters
    ----------
    scenario
        With `Speculation`.
    params, sink
        As for `placer.planner.planner.make_plan`.

    Raises
    ------
    ScenarioError
        If the parts do not go together.
    """
    assert_consistent(scenario)
    started = time.monotonic()
    run = _Run(scenario, params, started, search_depths(scenario, params, started, sink))
    solved = together(run.depths)
    deadline = max(started + params.budget_s, time.monotonic() + LEAST_S)
    best, held = hold_best(run.depths, params, deadline)
    num_simulated = sum(one.num_simulated for one in held.values())
    if best is not None:
        own = held[best.choice].achieved
        plain = held.get((0, None))
        assert own is not None
        return _planned(run, solved, (best, own, num_simulated), plain.achieved if plain else None, sink)
    if solved.founds or solved.stop is Stop.BUDGET or np.isfinite(solved.bound):
        plan = undecided(scenario, run.depths[0].searcher, solved, params, run.wall_s)
    else:
        reason = refuse(scenario, params, time.monotonic() + REASON_S)
        plan = refused(scenario, run.depths[0].searcher, solved, params, (reason, run.wall_s))
    assert plan.status is not Status.PLANNED
    return _counted(plan, run)


def _counted(plan: Plan, run: _Run) -> Plan:
    """Return a plan whose report counts the candidates of all searches."""
    return plan.model_copy(update={"search": plan.search.model_copy(update={"candidates": run.num_candidates})})


def _planned(
    run: _Run,
    solved: Solved,
    best: tuple[Depth, Achieved, int],
    held_plain: Achieved | None,
    sink: ProgressSink,
) -> Plan:
    depth, own, num_simulated = best
    achieved, others = own, tuple[Alternative, ...]()
    if run.params.with_alternatives:
        achieved, others = _alternatives(run, depth, own, sink)
    without = None if held_plain is None else held_plain.found.value
    without = without if depth.draft_tokens else achieved.found.value
    others = tuple(_in_tokens(entry, depth, solved.bound) for entry in others)
    plain = held_plain.found if held_plain else None
    others = tuple(_without_drafter(entry, depth, (plain, solved.bound)) for entry in others)
    outcome = Outcome(depth.in_tokens(achieved), others, num_simulated, run.wall_s)
    plan = assemble(run.scenario, depth.searcher, solved, outcome, run.params)
    use = drafting_use(depth, achieved.found, plan, without)
    return _counted(plan.model_copy(update={"speculation": use}), run)


def _alternatives(
    run: _Run, depth: Depth, own: Achieved, sink: ProgressSink
) -> tuple[Achieved, tuple[Alternative, ...]]:
    """Return the plan and the best plan without each pool, with as many tokens drafted.

    Pools alone are searched again where they were only searched for plans cheaper than one already known.
    """
    searcher, used = depth.searcher, {shape.pool for shape in own.found.candidate.shapes}
    singles = [family for family in searcher.families() if len(family) == 1]
    until = max(run.started + run.params.budget_s, time.monotonic() + LEAST_S)
    results = tuple(
        ((family,), searcher.search((family,), np.inf, until, sink))
        for family in singles
        if any(pool not in family for pool in used)
    )
    fresh = replace(depth.solved, results=results)
    return alternatives(searcher, fresh, own, run.params, run.started, sink)


def _in_tokens(entry: Alternative, depth: Depth, bound: float) -> Alternative:
    """Return an alternative priced per token; with other numbers of tokens drafted no more is known than the bound."""
    price = entry.usd_per_million_output_tokens
    own = None if price is None else price / depth.gained
    searched = bool(entry.note) and entry.note not in _OF_ANY_DEPTH
    note = f"{entry.note}, with {depth.draft_tokens} tokens drafted" if searched else entry.note
    proven = None if own is None else min(bound, own)
    return entry.model_copy(
        update={
            "usd_per_million_output_tokens": own,
            "bound_usd_per_million_output_tokens": proven,
            "note": note,
        }
    )


def _without_drafter(entry: Alternative, depth: Depth, plain: tuple[Found | None, float]) -> Alternative:
    """Return what a plan costs without the pool that drafts: the best one that drafts nothing and does not use it."""
    drafter, (found, bound) = depth.searcher.cost.step.beside, plain
    if drafter is None or entry.without_pool != drafter.pool:
        return entry
    needs_none = found is not None and all(shape.pool != drafter.pool for shape in found.candidate.shapes)
    price = found.value if found is not None and needs_none else None
    return entry.model_copy(
        update={
            "usd_per_million_output_tokens": price,
            "bound_usd_per_million_output_tokens": None if price is None else min(bound, price),
            "note": "drafting nothing" if price is not None else "none found that drafts nothing without it",
        }
    )
