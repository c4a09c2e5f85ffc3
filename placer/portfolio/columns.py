"""Certified plans of every service at every speed on every set of pools: what the master problem chooses from."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from placer.api import plan_scenario
from placer.errors import ScenarioError
from placer.plan.plan import Plan, Status
from placer.portfolio.demand import Demand
from placer.portfolio.question import pool_sets, question
from placer.portfolio.speeds import speeds_of
from placer.progress import ProgressSink, ignore
from placer.scenario.portfolio import PortfolioScenario, ServedModel
from placer.scenario.scenario import assert_consistent

#: A plan for the demand is made where the cheapest replicas would be idle for more than this share.
IDLE = 0.02
#: Least wall seconds of a plan; most end long before their share of the budget, so one may take several.
LEAST_S, AHEAD = 1.0, 8.0


@dataclass(frozen=True)
class Kind:
    """A kind of replica: a plan, and what no plan of its question can beat.

    Attributes
    ----------
    service
        Index of the service.
    plan
        Planned, on devices rented one by one.
    bound
        Price no plan at this speed on these pools can beat, whatever it must serve [US dollars per million tokens].
    """

    service: int
    plan: Plan
    bound: float

    @property
    def rate(self) -> float:
        """Tokens per second of one replica."""
        assert self.plan.metrics is not None
        assert self.plan.placement is not None
        return self.plan.metrics.capacity_tokens_per_s / len(self.plan.placement.replicas)

    @property
    def tpot_s(self) -> float:
        """Time per output token of a user [s]."""
        assert self.plan.metrics is not None
        return 1.0 / self.plan.metrics.tokens_per_s_per_user

    @property
    def users(self) -> int:
        """Requests one replica answers at once."""
        assert self.plan.batch is not None
        return self.plan.batch.sequences_per_microbatch * self.plan.batch.microbatches_in_flight


@dataclass(frozen=True)
class SpeedBounds:
    """What is proven at one speed, by set of pools: the least price, and the least rent of any replica.

    Sets that are left out are proven to have no plan. Both never fall with speed, so what is proven at a lower speed
    holds as well.

    Attributes
    ----------
    speed
        Tokens per second and user.
    usd_per_million
        US dollars per million tokens.
    usd_per_hour
        US dollars per hour.
    """

    speed: float
    usd_per_million: dict[tuple[str, ...], float]
    usd_per_hour: dict[tuple[str, ...], float]


@dataclass(frozen=True)
class Library:
    """All plans of all services, and what is proven of them.

    Attributes
    ----------
    kinds
        Kinds of replicas.
    bounds
        By service and speed, as far as there are plans.
    too_fast
        By service, the slowest speed tried that is proven impossible, or None [tokens/s per user].
    refusals
        By service, why there is no plan at some speed, or nothing.
    num_plans, num_skipped
        Plans made, and questions on two pools that time did not suffice for.
    """

    kinds: tuple[Kind, ...]
    bounds: tuple[tuple[SpeedBounds, ...], ...]
    too_fast: tuple[float | None, ...]
    refusals: tuple[str, ...]
    num_plans: int
    num_skipped: int


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

    def plan(self, service: ServedModel, demand: Demand, asked: tuple[float, tuple[str, ...], float | None]) -> Plan:
        """Return a plan; ``asked`` is as of `placer.portfolio.question.question`."""
        left_s = self.deadline - time.monotonic()
        budget_s = max(LEAST_S, min(left_s, AHEAD * left_s / max(1, self.left)))
        self.made, self.left = self.made + 1, self.left - 1
        return plan_scenario(
            question(self.scenario, service, demand, asked),
            gap=self.gap,
            budget_s=budget_s,
            seed=self.seed,
            progress=self.sink,
        )


def num_questions(scenario: PortfolioScenario) -> int:
    """Return how many plans there are to make, at most: three at every speed of every service on every set of pools."""
    speeds = sum(len(speeds_of(scenario, service)) for service in scenario.models)
    return 3 * len(pool_sets(scenario)) * speeds


def make_library(scenario: PortfolioScenario, demands: tuple[Demand, ...], planner: Planner) -> Library:
    """Return all plans.

    Parameters
    ----------
    scenario, demands
        The question, and what every service is asked.
    planner
        Makes the plans.

    Raises
    ------
    ScenarioError
        If no pool can run a service.
    """
    sets = [_usable(scenario, service, demand) for service, demand in zip(scenario.models, demands, strict=True)]
    planner.left = num_questions(scenario)
    kinds: list[Kind] = []
    bounds, refusals = [], []
    too_fast: list[float | None] = []
    for index, (service, demand) in enumerate(zip(scenario.models, demands, strict=True)):
        pools, levels, refusal = list(sets[index]), list[SpeedBounds](), ""
        too_fast.append(None)
        for speed in speeds_of(scenario, service):
            found, proven, reasons = _at_speed(planner, (index, service, demand), speed, pools)
            level = rising(levels[-1] if levels else None, proven)
            kinds += found
            refusal = refusal or reasons
            pools = [each for each in pools if each in level.usd_per_million]
            if not pools:
                too_fast[index] = speed
                break
            levels.append(level)
        bounds.append(tuple(levels))
        refusals.append(refusal)
    return Library(tuple(kinds), tuple(bounds), tuple(too_fast), tuple(refusals), planner.made, planner.skipped)


def rising(slower: SpeedBounds | None, proven: SpeedBounds) -> SpeedBounds:
    """Return what is proven at a speed, with what is proven at a slower one where that says more."""
    if slower is None:
        return proven
    return SpeedBounds(
        proven.speed,
        {pools: max(price, slower.usd_per_million[pools]) for pools, price in proven.usd_per_million.items()},
        {pools: max(rent, slower.usd_per_hour[pools]) for pools, rent in proven.usd_per_hour.items()},
    )


def _usable(scenario: PortfolioScenario, service: ServedModel, demand: Demand) -> tuple[tuple[str, ...], ...]:
    usable, reasons = [], []
    for pools in pool_sets(scenario):
        try:
            assert_consistent(question(scenario, service, demand, (1.0, pools, None)))
        except ScenarioError as error:
            reasons.append(error.message)
        else:
            usable.append(pools)
    if not usable:
        raise ScenarioError("; ".join(dict.fromkeys(reasons)), where=f"models[{service.name}]")
    return tuple(usable)


def _at_speed(
    planner: Planner, who: tuple[int, ServedModel, Demand], speed: float, pool_choices: list[tuple[str, ...]]
) -> tuple[list[Kind], SpeedBounds, str]:
    """Return the kinds of replicas at one speed, what is proven there, and why there is none."""
    index, service, demand = who
    kinds: list[Kind] = []
    prices: dict[tuple[str, ...], float] = {}
    rents: dict[tuple[str, ...], float] = {}
    reason = ""
    for pools in pool_choices:
        if len(pools) > 1 and planner.is_late:
            prices[pools] = rents[pools] = 0.0
            planner.skipped += 1
            continue
        cheapest = planner.plan(service, demand, (speed, pools, None))
        if cheapest.status is Status.INFEASIBLE:
            reason = reason or cheapest.verdict
            continue
        prices[pools] = bound = cheapest.bound.usd_per_million_output_tokens if cheapest.bound else 0.0
        few = min(speed, demand.tokens_per_s)
        smallest = planner.plan(service, demand, (speed, pools, few))
        proven = smallest.bound.usd_per_million_output_tokens if smallest.bound else 0.0
        rents[pools] = proven * few * 3600 / 1e6
        plans = [cheapest, smallest]
        if _is_idle(cheapest, demand):
            plans.append(planner.plan(service, demand, (speed, pools, demand.tokens_per_s)))
        kinds += [Kind(index, plan, bound) for plan in plans if is_new(planner.seen, index, plan)]
    return kinds, SpeedBounds(speed, prices, rents), reason


def _is_idle(plan: Plan, demand: Demand) -> bool:
    if plan.metrics is None or plan.placement is None:
        return True
    rate = plan.metrics.capacity_tokens_per_s / len(plan.placement.replicas)
    replicas = -(-demand.tokens_per_s // rate)
    return demand.tokens_per_s < (1.0 - IDLE) * replicas * rate


def is_new(seen: set[object], service: int, plan: Plan) -> bool:
    """Return whether a plan is a kind of replica not seen before, and remember it."""
    if plan.status is not Status.PLANNED:
        return False
    assert plan.metrics is not None
    key = (service, plan.groups, plan.batch, plan.schedule, round(plan.metrics.step_time_s, 12))
    text = repr(key)
    if text in seen:
        return False
    seen.add(text)
    return True
