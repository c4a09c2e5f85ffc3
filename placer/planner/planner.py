"""Planning from question to answer: search, simulate, write down; or refuse with a reason."""

from __future__ import annotations

import time

import numpy as np

from placer.plan.metrics import Alternative, Bound
from placer.plan.plan import Plan, Status
from placer.plan.refusal import Refusal
from placer.planner.alternatives import LEAST_S, alternatives
from placer.planner.assemble import Outcome, assemble, search_report
from placer.planner.feedback import hold_up
from placer.planner.provenance import build_provenance
from placer.planner.refusal import refuse
from placer.planner.solve import Solved, build_searcher, solve
from placer.progress import ProgressSink, ignore
from placer.scenario.scenario import Scenario, assert_consistent
from placer.search.params import SolveParams
from placer.search.solve import Searcher, Stop

#: Wall seconds a refusal may take to find its reason, beyond the search that found no plan.
REASON_S = 20.0


def make_plan(scenario: Scenario, params: SolveParams, sink: ProgressSink = ignore) -> Plan:
    """Return the plan of a scenario, or a refusal, or what is known when time runs out.

    Parameters
    ----------
    scenario
        Model, fleet, workload, target, declared space.
    params
        Gap, budget and seed.
    sink
        Told how the search goes.

    Raises
    ------
    ScenarioError
        If model, fleet, workload and target do not go together.
    """
    assert_consistent(scenario)
    started = time.monotonic()
    searcher = build_searcher(scenario, params)
    solved = solve(searcher, params, started, sink)
    deadline = max(started + params.budget_s, time.monotonic() + LEAST_S)
    held = hold_up(searcher, solved.founds, params, solved.num_nodes, deadline, solved.passed)
    if held.achieved is not None:
        achieved, others = held.achieved, tuple[Alternative, ...]()
        if params.with_alternatives:
            achieved, others = alternatives(searcher, solved, achieved, params, started, sink)
        outcome = Outcome(achieved, others, held.num_simulated, time.monotonic() - started)
        return assemble(scenario, searcher, solved, outcome, params)
    if solved.founds or solved.stop is Stop.BUDGET or np.isfinite(solved.bound):
        return undecided(scenario, searcher, solved, params, time.monotonic() - started)
    reason = refuse(scenario, params, time.monotonic() + REASON_S)
    return refused(scenario, searcher, solved, params, (reason, time.monotonic() - started))


def refused(
    scenario: Scenario, searcher: Searcher, solved: Solved, params: SolveParams, why: tuple[Refusal, float]
) -> Plan:
    """Return the refusal of a scenario; ``why`` is its reason, and the wall seconds it took to find."""
    reason, wall_s = why
    nearest = f"; nearest that works: {' or '.join(relief.text for relief in reason.nearest)}" if reason.nearest else ""
    return Plan(
        status=Status.INFEASIBLE,
        verdict=f"{scenario.model.name} on {scenario.fleet.name}: infeasible, {reason.reason}{nearest}",
        scenario=scenario,
        refusal=reason,
        search=search_report(searcher, solved, wall_s),
        provenance=build_provenance(scenario, params, searcher.pool_names),
    )


def undecided(scenario: Scenario, searcher: Searcher, solved: Solved, params: SolveParams, wall_s: float) -> Plan:
    """Return what is known when time ran out; prices in US dollars per million tokens."""
    bound = Bound(usd_per_million_output_tokens=solved.bound) if np.isfinite(solved.bound) else None
    if solved.founds:
        advice = "plans were found, but when simulated none keeps its step short enough"
    else:
        advice = "give more time with --budget-s" if solved.stop is Stop.BUDGET else "some candidates resist proof"
    least = f"any plan costs at least ${solved.bound:.4g}/M output tokens" if bound else "nothing is proven"
    return Plan(
        status=Status.UNDECIDED,
        verdict=(f"{scenario.model.name} on {scenario.fleet.name}: undecided after {wall_s:.1f} s; {least}; {advice}"),
        scenario=scenario,
        bound=bound,
        search=search_report(searcher, solved, wall_s),
        provenance=build_provenance(scenario, params, searcher.pool_names),
    )
