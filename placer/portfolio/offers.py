"""What one service can have at one speed on one set of pools: plans, and what is proven of all others."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from placer.api import plan_scenario
from placer.plan.plan import Plan, Status
from placer.portfolio.demand import Demand
from placer.portfolio.mixed import colocated_offer
from placer.portfolio.prefill import Prompts
from placer.portfolio.question import question
from placer.progress import ProgressSink, ignore
from placer.scenario.portfolio import PortfolioScenario, ServedModel
from placer.scenario.scenario import Scenario

#: A plan for the demand is made where the cheapest replicas would be idle for more than this share.
IDLE = 0.02
#: Least wall seconds of a plan; most end long before their share of the budget, so one may take several.
LEAST_S, AHEAD = 1.0, 8.0


@dataclass
class Planner:
    """Makes plans within a budget; holds how many it made, how many are left to make, and the kinds there are."""

    scenario: PortfolioScenario
    gap: float
    seed: int
    deadline: float
    sink: ProgressSink = ignore
    left: int = 1
    made: int = 0
    skipped: int = 0
    seen: set[object] = field(default_factory=set)

    @property
    def is_late(self) -> bool:
        """Whether the budget is spent: then only single pools are planned, and nothing is proven of pairs."""
        return time.monotonic() > self.deadline

    def plan(self, asked: Scenario) -> Plan:
        """Return the plan of a question."""
        left_s = self.deadline - time.monotonic()
        budget_s = max(LEAST_S, min(left_s, AHEAD * left_s / max(1, self.left)))
        self.made, self.left = self.made + 1, self.left - 1
        return plan_scenario(asked, gap=self.gap, budget_s=budget_s, seed=self.seed, progress=self.sink)


@dataclass(frozen=True)
class Asking:
    """Who asks: a service by index, what it is asked, and its prefill, or None."""

    index: int
    service: ServedModel
    demand: Demand
    prompts: Prompts | None


@dataclass(frozen=True)
class Offer:
    """What there is at one speed on one set of pools.

    Attributes
    ----------
    plans
        Kinds of replicas.
    usd_per_million
        No plan costs less per million output tokens, prompts included where prefill is planned; None where there is
        proven to be none.
    usd_per_hour
        No replica, and what prefills for it, rents for less.
    reason
        Why there is no plan.
    decode, colocated
        As of `placer.portfolio.columns.SpeedBounds`.
    """

    plans: tuple[Plan, ...]
    usd_per_million: float | None
    usd_per_hour: float
    reason: str
    decode: float = math.inf
    colocated: float = math.inf


def offer_at(
    planner: Planner, asking: Asking, speed: float, pools: tuple[str, ...], *, is_quick: bool = False
) -> Offer:
    """Return what there is at a speed on some pools; quickly, only the cheapest, and no rent is proven.

    Decode alone has the cheapest replicas, the smallest, and those for the demand. Where prefill is planned as well,
    these need groups that prefill; and there are replicas that prefill between their steps.
    """
    service, demand, prompts = asking.service, asking.demand, asking.prompts

    def asked(tokens_per_s: float | None) -> Scenario:
        return question(planner.scenario, service, demand, (speed, pools, tokens_per_s))

    cheapest = planner.plan(asked(None))
    if cheapest.status is Status.INFEASIBLE:
        return Offer((), None, 0.0, cheapest.verdict)
    price = cheapest.bound.usd_per_million_output_tokens if cheapest.bound else 0.0
    plans, rent = [cheapest], 0.0
    if not is_quick:
        few = min(speed, demand.planned_tokens_per_s)
        smallest = planner.plan(asked(few))
        proven = smallest.bound.usd_per_million_output_tokens if smallest.bound else 0.0
        rent = proven * few * 3600 / 1e6
        plans.append(smallest)
        is_beside = prompts is None or math.isfinite(prompts.least_usd_per_prompt(pools))
        if is_beside and _is_idle(cheapest, demand):
            plans.append(planner.plan(asked(demand.planned_tokens_per_s)))
    if prompts is None:
        return Offer(tuple(plans), price, rent, "", decode=price)
    return _with_prefill(planner, prompts, (asked(None), demand), Offer(tuple(plans), price, rent, ""))


def _with_prefill(planner: Planner, prompts: Prompts, asked: tuple[Scenario, Demand], decode: Offer) -> Offer:
    """Return what there is of the whole service where there are replicas that decode."""
    scenario, demand = asked
    pools, per_million = scenario.target.required_pools, 1e6 / demand.output_tokens
    assert decode.usd_per_million is not None
    beside = decode.usd_per_million + prompts.least_usd_per_prompt(pools) * per_million
    between, plans = colocated_offer(planner.plan, prompts, scenario, demand.planned_tokens_per_s, planner.gap)
    price = min(beside, between)
    if not math.isfinite(price):
        speed = scenario.target.tokens_per_s_per_user
        reason = f"{scenario.model.name}: no first token is there in time at {speed:g} tokens/s/user"
        return Offer((), None, 0.0, reason)
    decoding = decode.plans if math.isfinite(beside) else ()
    rent = decode.usd_per_hour + (0.0 if math.isfinite(between) else prompts.least_usd_per_hour(pools))
    own = decode.usd_per_million if decoding else math.inf
    return Offer((*decoding, *plans), price, rent, "", decode=own, colocated=between)


def _is_idle(plan: Plan, demand: Demand) -> bool:
    if plan.metrics is None or plan.placement is None:
        return True
    rate = plan.metrics.capacity_tokens_per_s / len(plan.placement.replicas)
    replicas = -(-demand.planned_tokens_per_s // rate)
    return demand.planned_tokens_per_s < (1.0 - IDLE) * replicas * rate
