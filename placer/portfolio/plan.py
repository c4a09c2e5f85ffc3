"""Several models on one fleet, from question to answer."""

from __future__ import annotations

import time
from dataclasses import dataclass

from placer.plan.plan import Status
from placer.plan.portfolio import SHARING_RULE, ModelMode, Portfolio, PortfolioBound, PortfolioSearch
from placer.portfolio.cold import ColdSlot, cold_slots
from placer.portfolio.columns import make_library, num_questions
from placer.portfolio.demand import demand_of
from placer.portfolio.faster import with_faster
from placer.portfolio.offers import Planner
from placer.portfolio.refuse import refuse
from placer.portfolio.solve import Chosen, build_problem, choose, pool_rents, relax
from placer.portfolio.write import Asked, Written, write
from placer.progress import ProgressSink, ignore
from placer.scenario.portfolio import Phase, PortfolioScenario
from placer.search.params import SolveParams
from placer.search.portfolio.problem import Problem
from placer.search.portfolio.relaxation import RelaxedAnswer

#: Gaps below are rounding: bound and rent then meet.
LEAST_GAP = 1e-6
#: Gap at which a search for one plan stops unless told otherwise.
DEFAULT_GAP = 0.009
#: Wall seconds a plan may take on average unless told otherwise; most take less.
PLAN_S = 3.0


@dataclass(frozen=True)
class _Result:
    """What the search came to."""

    asked: Asked
    relaxed: RelaxedAnswer
    chosen: Chosen
    search: PortfolioSearch


@dataclass(frozen=True)
class _Tried:
    """Slots, master problem, bound and choice of a library."""

    slots: tuple[ColdSlot, ...]
    problem: Problem
    relaxed: RelaxedAnswer
    chosen: Chosen


def plan_portfolio(
    scenario: PortfolioScenario,
    *,
    gap: float = DEFAULT_GAP,
    budget_s: float | None = None,
    seed: int = 0,
    progress: ProgressSink = ignore,
) -> Portfolio:
    """Plan several models on one fleet for the least rent, with a proven bound.

    Parameters
    ----------
    scenario
        Services, agents, fleet and tiers.
    gap
        Relative gap at which the search for each single plan stops.
    budget_s
        Wall seconds for all plans together, `PLAN_S` for each where None; each gets a second at least, and once they
        are spent replicas on two pools are left out.
    seed
        Of CP-SAT.
    progress
        Told of incumbents and bounds of the plan that is being made.

    Returns
    -------
    Portfolio
        With status ``planned``; ``infeasible`` where that is proven for the declared space, ``undecided`` where only
        the plans made do not go together; both say why.

    Raises
    ------
    ScenarioError
        If a model runs on no pool, or cold models can be combined in too many ways.
    """
    started = time.monotonic()
    demands = tuple(demand_of(scenario, service) for service in scenario.models)
    pool_rents(scenario.fleet)
    budget = budget_s or PLAN_S * num_questions(scenario)
    planner = Planner(scenario, gap, seed, started + budget, progress)
    params = SolveParams(relative_gap=gap, budget_s=budget, seed=seed)
    asked = Asked(scenario, demands, make_library(scenario, demands, planner))
    tried = _try(asked, params)
    if tried.chosen.choice is None and not tried.relaxed.is_infeasible:
        # Some agent may be late only for want of speeds between the grid's last and the first that is impossible.
        asked = Asked(scenario, demands, with_faster(scenario, demands, asked.library, planner))
        tried = _try(asked, params)
    library, slots, chosen = asked.library, tried.slots, tried.chosen
    search = PortfolioSearch(
        plans=library.num_plans,
        columns=len(library.kinds),
        slots=len(slots),
        cuts=chosen.cuts,
        seed=seed,
        wall_s=time.monotonic() - started,
    )
    result, relaxed = _Result(asked, tried.relaxed, chosen, search), tried.relaxed
    if chosen.choice is not None:
        return _planned(result, write(asked, slots, chosen))
    refusal = refuse((scenario, library, slots), tried.problem, params)
    status = Status.INFEASIBLE if relaxed.is_infeasible else Status.UNDECIDED
    words = "infeasible" if relaxed.is_infeasible else "undecided: not proven infeasible, but no portfolio was found"
    nearest = f"; nearest that works: {refusal.nearest[0].text}" if refusal.nearest else ""
    bound = (
        None if relaxed.is_infeasible else PortfolioBound(usd_per_hour=relaxed.usd_per_hour, is_best_of_columns=False)
    )
    return Portfolio(
        status=status,
        verdict=f"{scenario.name} on {scenario.fleet.name}: {words}; {refusal.reason}{nearest}",
        scenario=scenario,
        bound=bound,
        refusal=refusal,
        search=search,
    )


def _try(asked: Asked, params: SolveParams) -> _Tried:
    scenario, demands, library = asked.scenario, asked.demands, asked.library
    slots = cold_slots(scenario, demands, library.kinds)
    problem = build_problem(scenario, demands, library, slots)
    return _Tried(slots, problem, relax(scenario, demands, library, params), choose(problem, params))


def _planned(result: _Result, written: Written) -> Portfolio:
    scenario = result.asked.scenario
    rent = written.usd_per_hour
    proven = min(result.relaxed.usd_per_hour, rent)
    gap = 1.0 - proven / rent
    if gap < LEAST_GAP:
        proven, gap = rent, 0.0
    bound = PortfolioBound(
        usd_per_hour=proven, relative_gap=gap, is_best_of_columns=gap == 0.0 or result.chosen.is_proven
    )
    return Portfolio(
        status=Status.PLANNED,
        verdict=_verdict(scenario, written, bound, result.search.wall_s),
        scenario=scenario,
        usd_per_hour=rent,
        bound=bound,
        devices=written.devices,
        models=written.models,
        deployments=written.deployments,
        slots=written.slots,
        agents=written.agents,
        notes=_notes(result, written),
        search=result.search,
    )


def _verdict(scenario: PortfolioScenario, written: Written, bound: PortfolioBound, wall_s: float) -> str:
    gap = bound.relative_gap or 0.0
    proof = "proven optimal" if gap == 0.0 else f"proven within {-(-gap * 1000 // 1) / 10:.1f} % of optimal"
    if gap > 0.0 and bound.is_best_of_columns:
        proof += " (and the best choice among the plans made)"
    cold = sum(model.mode is ModelMode.COLD for model in written.models)
    devices = ", ".join(f"{count} {pool}" for pool, count in written.devices.items())
    kinds = f"{len(written.models)} model(s)" + (f", {cold} of them cold" if cold else "")
    return (
        f"{scenario.name} on {scenario.fleet.name}: ${written.usd_per_hour:.4g}/h for {kinds}, on {devices}, "
        f"{proof}, {wall_s:.1f} s"
    )


def _notes(result: _Result, written: Written) -> tuple[str, ...]:
    notes = [SHARING_RULE]
    if result.asked.scenario.phase is Phase.DECODE:
        notes.append(
            "plans are for decode only: times to first token are those the scenario states (0 where it states none), "
            "and prefill takes no devices"
        )
    if written.agents:
        notes.append(
            "latencies are means: steps at full load, waits for prefill at the traffic asked for"
            if result.asked.scenario.phase is Phase.SERVICE
            else "latencies are those at full load, without queues in front of resident models"
        )
    if skipped := result.asked.library.num_skipped:
        notes.append(
            f"out of time: replicas on two pools were not planned for {skipped} question(s); more --budget-s helps"
        )
    guessed = [f"{tier.pool}.{tier.tier}" for tier in result.asked.scenario.tiers if str(tier.kind) == "estimate"]
    if written.slots and guessed:
        notes.append(f"switch times rest on estimates: {', '.join(guessed)}")
    return tuple(notes)
