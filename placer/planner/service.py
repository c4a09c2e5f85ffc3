"""Plans of the whole service: prefill on devices of its own, or between decode steps, whichever costs less."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import numpy as np

from placer.cost.money import TOKENS_PER_MILLION, Rental, rental_table, usd_per_million_tokens
from placer.graph.lower import lower
from placer.plan.metrics import Alternative, Bound
from placer.plan.mode import modes_of, title
from placer.plan.plan import Plan, Status
from placer.plan.service import Phases
from placer.plan.speculation import SpeculationUse
from placer.planner import phases as written
from placer.planner.alternatives import LEAST_S
from placer.planner.assemble import LEAST_GAP, Outcome, assemble
from placer.planner.colocated import MixedAchieved, hold_mixed
from placer.planner.depths import Depth, hold_best, search_depths, together
from placer.planner.draft_use import drafting_use
from placer.planner.phases import Shares
from placer.planner.planner import REASON_S, refused, undecided
from placer.planner.provenance import build_provenance
from placer.planner.refusal import refuse
from placer.planner.rescore import Achieved
from placer.planner.solve import Solved, build_searcher
from placer.planner.verdict import service_verdict
from placer.progress import ProgressSink, ignore
from placer.scenario.scenario import Scenario, assert_consistent
from placer.scenario.service import Mode, Service
from placer.search.leaf import Found
from placer.search.params import SolveParams
from placer.search.service.colocated import MixedResult, MixedSearch
from placer.search.solve import Searcher, Stop
from placer.search.value import SHORTEST_STEP_S

#: Share of the gap asked for at which the search over colocated replicas stops: it is quick.
MIXED_GAP_SHARE = 0.25
#: Share of the budget it may take.
MIXED_SHARE = 0.3


@dataclass(frozen=True)
class _Run:
    """A question and everything found for it."""

    scenario: Scenario
    service: Service
    params: SolveParams
    started: float
    search: MixedSearch | None
    mixed: MixedResult | None
    depths: tuple[Depth, ...]

    @property
    def bound(self) -> float:
        """No plan costs less [USD per million output tokens, prompts included]."""
        least = [depth.bound for depth in self.depths] + ([self.mixed.bound] if self.mixed else [])
        return max(min(least, default=np.inf), self.params.floor)

    @property
    def law_value(self) -> float:
        """Price of the best plan by the law [USD per million output tokens, prompts included]; inf without one."""
        values = [depth.price for depth in self.depths]
        values += [found.value for found in self.mixed.founds[:1]] if self.mixed else []
        return min(values, default=np.inf)

    @property
    def wall_s(self) -> float:
        return time.monotonic() - self.started


@dataclass(frozen=True)
class _Best:
    """The best plan: of a search with devices for prefill, or of colocated replicas.

    Values are US dollars per million output tokens, prompts included; ``undrafted`` is that of the best plan found that
    drafts nothing.
    """

    searcher: Searcher
    achieved: Achieved
    value: float
    mixed: MixedAchieved | None
    undrafted: float = np.inf


def plan_service(scenario: Scenario, params: SolveParams, sink: ProgressSink = ignore) -> Plan:
    """Return the plan of a whole service, or a refusal, or what is known when time runs out.

    Parameters
    ----------
    scenario
        With `Service`.
    params, sink
        As for `placer.planner.planner.make_plan`.

    Raises
    ------
    ScenarioError
        If the parts do not go together.
    """
    assert_consistent(scenario)
    run = _searched(scenario, params, sink)
    best, num_simulated = _best(run)
    if best is None:
        return _without_plan(run)
    plan = _written(run, best, num_simulated)
    if not params.with_alternatives:
        return plan
    others = tuple(_alternative(run, plan, pool.name, sink) for pool in scenario.fleet.pools)
    return _with_alternatives(plan, others, run.wall_s)


def _searched(scenario: Scenario, params: SolveParams, sink: ProgressSink) -> _Run:
    started, service = time.monotonic(), scenario.service
    assert service is not None
    search, mixed, known = None, None, np.inf
    if service.allows(Mode.COLOCATED):
        search = MixedSearch(scenario, lower(scenario.model), service)
        until = started + MIXED_SHARE * params.budget_s
        mixed = search.search(np.inf, params.relative_gap * MIXED_GAP_SHARE, until)
        known = min((found.value for found in mixed.founds), default=np.inf)
    depths: tuple[Depth, ...] = ()
    if service.allows(Mode.DISAGGREGATED):
        depths = search_depths(scenario, params, started, sink, known)
    return _Run(scenario, service, params, started, search, mixed, depths)


def _best(run: _Run) -> tuple[_Best | None, int]:
    """Return the cheapest plan that holds when simulated, and how many were."""
    deadline = max(run.started + run.params.budget_s, time.monotonic() + LEAST_S)
    best, num_simulated, undrafted = None, 0, np.inf
    if run.depths:
        depth, held = hold_best(run.depths, run.params, deadline)
        plain = held.get(run.depths[0].choice)
        undrafted = plain.achieved.found.value if plain is not None and plain.achieved is not None else np.inf
        num_simulated = sum(one.num_simulated for one in held.values())
        if depth is not None:
            achieved = held[depth.choice].achieved
            assert achieved is not None
            best = _Best(depth.searcher, achieved, achieved.found.value / depth.gained, None)
    if run.search is not None and run.mixed is not None:
        price = np.inf if best is None else best.value
        if run.mixed.founds and run.mixed.founds[0].value < price:
            searcher = _plain_searcher(run)
            held_mixed = hold_mixed(searcher, run.search, run.mixed.founds, run.scenario, price)
            if held_mixed is not None:
                best = _Best(searcher, held_mixed.achieved, held_mixed.value, held_mixed)
                undrafted, num_simulated = held_mixed.value, num_simulated + 1
    return None if best is None else dataclasses.replace(best, undrafted=undrafted), num_simulated


def _plain_searcher(run: _Run) -> Searcher:
    """Return a searcher that drafts nothing, to lay colocated replicas out."""
    if run.depths:
        return run.depths[0].searcher
    return build_searcher(run.scenario.model_copy(update={"service": None}), run.params)


def _without_plan(run: _Run) -> Plan:
    searcher = _plain_searcher(run)
    solved = together(run.depths) if run.depths else Solved(None, run.bound, Stop.EXHAUSTED, ())
    is_open = solved.founds or solved.stop is Stop.BUDGET or np.isfinite(run.bound)
    if is_open:
        return undecided(run.scenario, searcher, dataclasses.replace(solved, bound=run.bound), run.params, run.wall_s)
    reason = refuse(run.scenario, run.params, time.monotonic() + REASON_S)
    return refused(run.scenario, searcher, solved, run.params, (reason, run.wall_s))


def _written(run: _Run, best: _Best, num_simulated: int) -> Plan:
    scenario, searcher = run.scenario, best.searcher
    achieved = dataclasses.replace(best.achieved, found=_decode_only(run, best))
    outcome = Outcome(achieved, (), num_simulated, run.wall_s)
    solved = Solved(achieved.found, 0.0, Stop.PROVEN, ())
    decode = assemble(scenario.model_copy(update={"service": None}), searcher, solved, outcome, run.params)
    model, found = searcher.cost.model, best.achieved.found
    if best.mixed is not None:
        assert run.search is not None
        phases, shares = written.colocated(run.search, decode, best.mixed)
    else:
        phases, shares = written.disaggregated(scenario, model, decode, found)
    plan = _whole(run, best, decode, (phases, shares), found.rental)
    if scenario.speculation is None:
        return plan
    return plan.model_copy(update={"speculation": _drafting(best, decode, plan)})


def _drafting(best: _Best, decode: Plan, plan: Plan) -> SpeculationUse:
    """Return what drafting takes and brings to the decoding replicas, and what a request costs without."""
    assert plan.metrics is not None
    depth = Depth(best.searcher, Solved(None, np.inf, Stop.PROVEN, ()))
    own = None if depth.draft_tokens else plan.metrics.usd_per_million_output_tokens
    use = drafting_use(depth, best.achieved.found, decode, own)
    million = plan.scenario.workload.output_tokens / TOKENS_PER_MILLION
    without = best.undrafted * million if np.isfinite(best.undrafted) else None
    if not depth.draft_tokens:
        without = plan.metrics.usd_per_request
    return use.model_copy(update={"usd_per_request_without": without})


def _decode_only(run: _Run, best: _Best) -> Found:
    """Return what was found with the rent of its decoding replicas alone, priced per token."""
    found, gained = best.achieved.found, best.searcher.cost.step.gained
    table = rental_table(run.scenario.fleet, found.candidate.shapes)
    alone = table.rental(int(np.flatnonzero(table.replicas == found.rental.replicas)[0]))
    users = alone.replicas * found.candidate.most * found.candidate.in_flight
    sold = run.scenario.target.tokens_per_s or users * gained / max(found.step_s, SHORTEST_STEP_S)
    value = usd_per_million_tokens(alone.usd_per_hour, sold * run.scenario.workload.utilisation)
    return dataclasses.replace(found, value=value, rental=alone)


def _whole(run: _Run, best: _Best, decode: Plan, parts: tuple[Phases, Shares], rental: Rental) -> Plan:
    """Return the plan of the service from that of its decoding replicas."""
    scenario, (phases, shares) = run.scenario, parts
    assert decode.metrics is not None
    assert decode.placement is not None
    added = 0.0
    if best.mixed is not None:
        added = best.mixed.mean_step_s - best.achieved.found.step_s
    step_s = decode.metrics.step_time_s + added
    gained = best.searcher.cost.step.gained
    of = {
        "step_time_s": step_s,
        "law_step_time_s": decode.metrics.law_step_time_s + added,
        "tokens_per_s_per_user": gained / step_s,
        "power_w": rental.power_w,
    }
    metrics = written.whole_metrics(scenario, decode.metrics, shares, of)
    gap, law_gap = (_gap(run.bound, value) for value in (best.value, run.law_value))
    assert metrics.usd_per_request is not None
    bound = Bound(
        usd_per_million_output_tokens=metrics.usd_per_million_output_tokens * (1.0 - gap),
        relative_gap=gap,
        law_relative_gap=law_gap,
        usd_per_request=metrics.usd_per_request * (1.0 - gap),
    )
    mode = title(modes_of(decode.placement, is_colocated=best.mixed is not None))
    candidates = sum(depth.searcher.num_candidates for depth in run.depths)
    candidates += run.mixed.num_candidates if run.mixed else 0
    solved = together(run.depths) if run.depths else None
    return decode.model_copy(
        update={
            "scenario": scenario,
            "metrics": metrics,
            "bound": bound,
            "mode": mode,
            "verdict": service_verdict(scenario, metrics, bound, mode, run.wall_s),
            "phases": phases,
            "devices": rental.devices,
            "binding": (*decode.binding, *_binding(run.service, metrics.ttft_s, phases)),
            "search": decode.search.model_copy(
                update={
                    "candidates": candidates,
                    "nodes": solved.num_nodes if solved else 0,
                    "leaves": solved.num_leaves if solved else 0,
                    "stopped": str(solved.stop) if solved else str(Stop.PROVEN),
                }
            ),
            "provenance": build_provenance(scenario, run.params, tuple(rental.devices)),
        }
    )


def _gap(bound: float, value: float) -> float:
    gap = max(0.0, 1.0 - bound / value)
    return 0.0 if gap < LEAST_GAP else gap


def _binding(service: Service, ttft_s: float | None, phases: Phases) -> tuple[str, ...]:
    binding = []
    if service.ttft is not None and ttft_s is not None and ttft_s >= 0.97 * service.ttft:
        binding.append(f"target: first token in {service.ttft:g} s")
    loads = [(f"prefill of {pool.pool}", pool.load) for pool in phases.prefill]
    loads += [("prefill between steps", phases.colocated.load)] if phases.colocated else []
    return (*binding, *(f"load: {name}" for name, load in loads if load >= 0.97 * service.max_prefill_load))


def _alternative(run: _Run, plan: Plan, pool: str, sink: ProgressSink) -> Alternative:
    """Return what the best plan without a pool costs: planned anew."""
    assert plan.metrics is not None
    assert plan.bound is not None
    own = plan.metrics
    if pool not in plan.devices:
        return Alternative(
            without_pool=pool,
            usd_per_million_output_tokens=own.usd_per_million_output_tokens,
            bound_usd_per_million_output_tokens=plan.bound.usd_per_million_output_tokens,
            usd_per_request=own.usd_per_request,
            note="not in use",
        )
    fleet = run.scenario.fleet.without_pool(pool)
    if fleet is None:
        return _no_alternative(pool, "no other pool can be used")
    needed = tuple(name for name in run.scenario.target.required_pools if name != pool)
    target = run.scenario.target.model_copy(update={"required_pools": needed})
    left = max(run.started + run.params.budget_s - time.monotonic(), 2.0 * LEAST_S)
    params = dataclasses.replace(run.params, budget_s=left, floor=0.0)
    scenario = run.scenario.model_copy(update={"fleet": fleet, "target": target})
    other = _planned_or_none(scenario, params, sink)
    if other is None or other.metrics is None:
        is_open = other is not None and other.status is Status.UNDECIDED
        return _no_alternative(pool, "none found in time" if is_open else "infeasible")
    return Alternative(
        without_pool=pool,
        usd_per_million_output_tokens=other.metrics.usd_per_million_output_tokens,
        bound_usd_per_million_output_tokens=other.bound.usd_per_million_output_tokens if other.bound else None,
        usd_per_request=other.metrics.usd_per_request,
    )


def _no_alternative(pool: str, note: str) -> Alternative:
    return Alternative(
        without_pool=pool, usd_per_million_output_tokens=None, bound_usd_per_million_output_tokens=None, note=note
    )


def _planned_or_none(scenario: Scenario, params: SolveParams, sink: ProgressSink) -> Plan | None:
    """Return the plan of a scenario, undecided where time ran out; None where there is none."""
    run = _searched(scenario, params, sink)
    best, num_simulated = _best(run)
    if best is not None:
        return _written(run, best, num_simulated)
    solved = together(run.depths) if run.depths else None
    if np.isfinite(run.bound) or (solved is not None and solved.stop is Stop.BUDGET):
        return undecided(scenario, _plain_searcher(run), solved or Solved(None, 0.0, Stop.BUDGET, ()), params, 0.0)
    return None


def _with_alternatives(plan: Plan, others: tuple[Alternative, ...], wall_s: float) -> Plan:
    search = plan.search.model_copy(update={"wall_s": wall_s})
    assert plan.metrics is not None
    assert plan.bound is not None
    verdict = service_verdict(plan.scenario, plan.metrics, plan.bound, plan.mode, wall_s)
    return plan.model_copy(update={"alternatives": others, "search": search, "verdict": verdict})
