"""From what the search found to the plan that is written down."""

from __future__ import annotations

from dataclasses import dataclass

from placer.cost.money import tokens_per_s_per_mw
from placer.kv.plan_paused import paused_sessions_of
from placer.plan.metrics import Alternative, Bound, MemoryUse, Metrics, Occupancy
from placer.plan.plan import BatchPlan, Plan, Status
from placer.plan.provenance import SearchReport
from placer.planner.breakdown import time_shares
from placer.planner.kv import kv_uses
from placer.planner.memory import group_memories
from placer.planner.placement import PlacementBuilder, group_plans
from placer.planner.provenance import build_provenance
from placer.planner.rescore import Achieved
from placer.planner.solve import Solved
from placer.planner.verdict import binding_constraints, verdict_line
from placer.scenario.scenario import Scenario
from placer.search.layout.evaluate import StepTime, evaluate
from placer.search.leaf import Found
from placer.search.params import SolveParams
from placer.search.solve import Searcher

#: Gaps below this, or below what rounding to picoseconds may have added, are none: bound and plan then meet.
LEAST_GAP = 1e-6


@dataclass(frozen=True)
class Outcome:
    """What a plan is made of beyond the search.

    Attributes
    ----------
    achieved
        The plan, simulated.
    alternatives
        The best plans without each pool.
    num_simulated
        Plans simulated to find it.
    wall_s
        Time all of it took.
    """

    achieved: Achieved
    alternatives: tuple[Alternative, ...]
    num_simulated: int
    wall_s: float


def metrics_of(scenario: Scenario, achieved: Achieved, gained: float = 1.0) -> Metrics:
    """Return the predicted performance of a plan whose sequences gain so many tokens in a step."""
    found = achieved.found
    candidate, rental = found.candidate, found.rental
    users = rental.replicas * candidate.most * candidate.in_flight
    capacity = users * gained / found.step_s
    sold = scenario.target.tokens_per_s or capacity
    return Metrics(
        usd_per_million_output_tokens=found.value,
        tokens_per_s_per_user=gained / found.step_s,
        tokens_per_s=sold,
        capacity_tokens_per_s=capacity,
        step_time_s=found.step_s,
        law_step_time_s=achieved.law_step_s,
        usd_per_hour=rental.usd_per_hour,
        power_w=rental.power_w,
        joules_per_token=rental.power_w / (sold * scenario.workload.utilisation),
        tokens_per_s_per_mw=tokens_per_s_per_mw(sold, rental.power_w) if rental.power_w else None,
        users=users,
    )


def bound_of(solved: Solved, achieved: Found | None = None) -> Bound:
    """Return the bound, the gap of a plan to it, and that of the best plan by the law.

    Parameters
    ----------
    solved
        The search: its bound, and the best plan by the law.
    achieved
        The plan that holds when simulated; the one of the search where absent.
    """
    assert solved.found is not None
    plan = achieved or solved.found
    proven, gap = _gap(solved.bound, plan)
    return Bound(
        usd_per_million_output_tokens=proven, relative_gap=gap, law_relative_gap=_gap(solved.bound, solved.found)[1]
    )


def _gap(bound: float, plan: Found) -> tuple[float, float]:
    """Return the bound and the gap to it; a gap that is all rounding is none."""
    proven = min(bound, plan.value)
    gap = 1.0 - proven / plan.value
    if gap < max(LEAST_GAP, 2.0 * plan.rounding_s / plan.step_s):
        return plan.value, 0.0
    return proven, gap


def search_report(searcher: Searcher, solved: Solved, wall_s: float, num_simulated: int = 0) -> SearchReport:
    """Return what the search did."""
    return SearchReport(
        candidates=searcher.num_candidates,
        nodes=solved.num_nodes,
        leaves=solved.num_leaves,
        largest_model_variables=searcher.largest_model(solved.found),
        simulated=num_simulated,
        stopped=str(solved.stop),
        wall_s=wall_s,
    )


def assemble(
    scenario: Scenario,
    searcher: Searcher,
    solved: Solved,
    outcome: Outcome,
    params: SolveParams,
) -> Plan:
    """Return the plan.

    Parameters
    ----------
    scenario, searcher, solved
        The question, and what was found; prices in US dollars per million tokens.
    outcome
        The plan as simulated, and its alternatives.
    params
        For provenance.
    """
    achieved, found = outcome.achieved, outcome.achieved.found
    cost, builder = searcher.placed_cost, searcher.placed_builder
    load = cost.step
    problem = builder.exact(found.candidate)
    step = evaluate(problem, found.layout)
    metrics, bound = metrics_of(scenario, achieved, load.gained), bound_of(solved, found)
    memories = group_memories(cost, builder, problem, found)
    memory = tuple(each.fullest() for each in memories)
    groups, placement = group_plans(found), PlacementBuilder(cost, problem, found).build()
    in_flight = found.candidate.in_flight
    plan = Plan(
        status=Status.PLANNED,
        verdict=verdict_line(scenario, metrics, bound, outcome.wall_s),
        scenario=scenario,
        metrics=metrics,
        bound=bound,
        devices=found.rental.devices,
        batch=BatchPlan(
            sequences_per_microbatch=found.candidate.most,
            microbatches_in_flight=in_flight,
            draft_tokens=load.draft_tokens,
        ),
        schedule=achieved.schedule,
        groups=groups,
        memory=memory,
        kv=kv_uses(cost.model, scenario.workload, placement, groups, memories, (in_flight, load.draft_tokens)),
        time=time_shares(cost, found),
        occupancy=_occupancy(step),
        binding=_binding(scenario, found, memory, (step, load.gained)),
        alternatives=outcome.alternatives,
        placement=placement,
        search=search_report(searcher, solved, outcome.wall_s, outcome.num_simulated),
        provenance=build_provenance(scenario, params, tuple(found.rental.devices)),
    )
    return plan.model_copy(update={"paused": paused_sessions_of(plan)})


def _occupancy(step: StepTime) -> tuple[Occupancy, ...]:
    entries = [Occupancy(resource="path", busy_s=step.path * 1e-12)]
    return (*entries, *(Occupancy(resource=name, busy_s=time * 1e-12) for name, time in step.busy.items()))


def _binding(
    scenario: Scenario, found: Found, memory: tuple[MemoryUse, ...], of: tuple[StepTime, float]
) -> tuple[str, ...]:
    step, gained = of
    busy = {"critical path": step.path * 1e-12}
    busy |= {name: time * 1e-12 for name, time in step.busy.items()}
    return binding_constraints(scenario, found, memory, busy, gained)
