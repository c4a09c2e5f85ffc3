"""From what the search found to the plan that is written down."""

from __future__ import annotations

from placer.plan.metrics import Alternative, Bound, MemoryUse, Metrics, Occupancy
from placer.plan.plan import BatchPlan, Plan, Status
from placer.plan.provenance import SearchReport
from placer.planner.breakdown import time_shares
from placer.planner.memory import memory_map
from placer.planner.placement import PlacementBuilder, group_plans
from placer.planner.provenance import build_provenance
from placer.planner.solve import Solved
from placer.planner.verdict import binding_constraints, verdict_line
from placer.scenario.scenario import Scenario
from placer.search.layout.evaluate import StepTime, evaluate
from placer.search.leaf import Found
from placer.search.params import SolveParams
from placer.search.solve import Searcher

#: Gaps below this, or below what rounding to picoseconds may have added, are none: bound and plan then meet.
LEAST_GAP = 1e-6


def metrics_of(scenario: Scenario, found: Found) -> Metrics:
    """Return the predicted performance of a plan."""
    candidate, rental = found.candidate, found.rental
    users = rental.replicas * candidate.most * candidate.in_flight
    capacity = users / found.step_s
    sold = scenario.target.tokens_per_s or capacity
    return Metrics(
        usd_per_million_output_tokens=found.value,
        tokens_per_s_per_user=1.0 / found.step_s,
        tokens_per_s=sold,
        capacity_tokens_per_s=capacity,
        step_time_s=found.step_s,
        usd_per_hour=rental.usd_per_hour,
        power_w=rental.power_w,
        joules_per_token=rental.power_w / (sold * scenario.workload.utilisation),
        users=users,
    )


def bound_of(solved: Solved) -> Bound:
    """Return the bound and its gap; a gap that is all rounding is none."""
    assert solved.found is not None
    achieved = solved.found.value
    proven = min(solved.bound, achieved)
    gap = 1.0 - proven / achieved
    if gap < max(LEAST_GAP, 2.0 * solved.found.rounding_s / solved.found.step_s):
        proven, gap = achieved, 0.0
    return Bound(usd_per_million_output_tokens=proven, relative_gap=gap)


def search_report(searcher: Searcher, solved: Solved, wall_s: float) -> SearchReport:
    """Return what the search did."""
    return SearchReport(
        candidates=searcher.num_candidates,
        nodes=solved.num_nodes,
        leaves=solved.num_leaves,
        largest_model_variables=searcher.largest_model(solved.found),
        stopped=str(solved.stop),
        wall_s=wall_s,
    )


def assemble(
    scenario: Scenario,
    searcher: Searcher,
    solved: Solved,
    extra: tuple[tuple[Alternative, ...], float],
    params: SolveParams,
) -> Plan:
    """Return the plan.

    Parameters
    ----------
    scenario, searcher, solved
        The question, and what was found.
    extra
        The best plans without each pool, and the seconds spent.
    params
        For provenance.
    """
    found, (others, wall_s) = solved.found, extra
    assert found is not None
    cost, builder = searcher.placed_cost, searcher.placed_builder
    problem = builder.exact(found.candidate)
    step = evaluate(problem, found.layout)
    metrics, bound = metrics_of(scenario, found), bound_of(solved)
    memory = memory_map(cost, builder, problem, found)
    return Plan(
        status=Status.PLANNED,
        verdict=verdict_line(scenario, metrics, bound, wall_s),
        scenario=scenario,
        metrics=metrics,
        bound=bound,
        devices=found.rental.devices,
        batch=BatchPlan(
            sequences_per_microbatch=found.candidate.most, microbatches_in_flight=found.candidate.in_flight
        ),
        groups=group_plans(found),
        memory=memory,
        time=time_shares(cost, found),
        occupancy=_occupancy(step),
        binding=_binding(scenario, found, memory, step),
        alternatives=others,
        placement=PlacementBuilder(cost, problem, found).build(),
        search=search_report(searcher, solved, wall_s),
        provenance=build_provenance(scenario, params, tuple(found.rental.devices)),
    )


def _occupancy(step: StepTime) -> tuple[Occupancy, ...]:
    entries = [Occupancy(resource="path", busy_s=step.path * 1e-12)]
    return (*entries, *(Occupancy(resource=name, busy_s=time * 1e-12) for name, time in step.busy.items()))


def _binding(scenario: Scenario, found: Found, memory: tuple[MemoryUse, ...], step: StepTime) -> tuple[str, ...]:
    busy = {"critical path": step.path * 1e-12}
    busy |= {name: time * 1e-12 for name, time in step.busy.items()}
    return binding_constraints(scenario, found, memory, busy)
