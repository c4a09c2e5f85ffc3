"""Certified plans of every service at every speed on every set of pools: what the master problem chooses from."""

from __future__ import annotations

from dataclasses import dataclass

from placer.errors import ScenarioError
from placer.plan.plan import Plan, Status
from placer.portfolio.demand import Demand
from placer.portfolio.offers import Asking, Offer, Planner, offer_at
from placer.portfolio.prefill import Prompts
from placer.portfolio.question import by_device, pool_sets, question, whole_question
from placer.portfolio.speeds import speeds_of
from placer.scenario.portfolio import Phase, PortfolioScenario, ServedModel
from placer.scenario.scenario import assert_consistent


@dataclass(frozen=True)
class Kind:
    """A kind of replica: a plan, and what no plan of its question can beat.

    Attributes
    ----------
    service
        Index of the service.
    plan
        Planned, on devices rented one by one: of decode alone, or of replicas that prefill between their steps.
    bound
        Price no plan at this speed on these pools can beat, whatever it must serve [US dollars per million output
        tokens; where prefill is planned prompts are included].
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
    def requests_per_s(self) -> float:
        """Requests one replica serves, of the length it is planned for."""
        return self.rate / self.plan.scenario.workload.output_tokens

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

    @property
    def pools(self) -> tuple[str, ...]:
        """Pools its replicas use."""
        return self.plan.scenario.target.required_pools


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
        US dollars per million output tokens, prompts included where prefill is planned.
    usd_per_hour
        US dollars per hour.
    decode, colocated
        What the first is made of where prefill is planned: the least of decode alone, prompts to be added, and of
        replicas that prefill between their steps; infinite where there are none.
    """

    speed: float
    usd_per_million: dict[tuple[str, ...], float]
    usd_per_hour: dict[tuple[str, ...], float]
    decode: dict[tuple[str, ...], float]
    colocated: dict[tuple[str, ...], float]


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
    prompts
        By service, its prefill; None where decode alone is planned.
    usable
        By service, pools that can run it.
    """

    kinds: tuple[Kind, ...]
    bounds: tuple[tuple[SpeedBounds, ...], ...]
    too_fast: tuple[float | None, ...]
    refusals: tuple[str, ...]
    num_plans: int
    num_skipped: int
    prompts: tuple[Prompts | None, ...]
    usable: tuple[tuple[str, ...], ...]


def num_questions(scenario: PortfolioScenario) -> int:
    """Return how many plans there are to make: at every speed of every service on every set of pools so many."""
    speeds = sum(len(speeds_of(scenario, service)) for service in scenario.models)
    each = 3 if scenario.phase is Phase.DECODE else 5
    return each * len(pool_sets(scenario)) * speeds


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
    usable = tuple(tuple(pools[0] for pools in each if len(pools) == 1) for each in sets)
    planner.left = num_questions(scenario)
    kinds: list[Kind] = []
    bounds, refusals = [], []
    too_fast: list[float | None] = []
    prompts = tuple(
        _prompts(scenario, service, demand, pools)
        for service, demand, pools in zip(scenario.models, demands, usable, strict=True)
    )
    for index, (service, demand) in enumerate(zip(scenario.models, demands, strict=True)):
        pools, levels, refusal = list(sets[index]), list[SpeedBounds](), ""
        too_fast.append(None)
        for speed in speeds_of(scenario, service):
            asking = Asking(index, service, demand, prompts[index])
            found, proven, reasons = _at_speed(planner, asking, speed, pools)
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
    made, skipped = planner.made, planner.skipped
    return Library(tuple(kinds), tuple(bounds), tuple(too_fast), tuple(refusals), made, skipped, prompts, usable)


def _prompts(
    scenario: PortfolioScenario, service: ServedModel, demand: Demand, pools: tuple[str, ...]
) -> Prompts | None:
    if scenario.phase is Phase.DECODE:
        return None
    asked = question(scenario, service, demand, (1.0, (), None))
    whole = whole_question(asked, by_device(scenario.fleet, pools), service.delivery)
    return Prompts(whole, demand.requests_per_s, demand.is_called)


def rising(slower: SpeedBounds | None, proven: SpeedBounds) -> SpeedBounds:
    """Return what is proven at a speed, with what is proven at a slower one where that says more."""
    if slower is None:
        return proven

    def most(own: dict[tuple[str, ...], float], other: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
        return {pools: max(figure, other[pools]) for pools, figure in own.items()}

    return SpeedBounds(
        proven.speed,
        most(proven.usd_per_million, slower.usd_per_million),
        most(proven.usd_per_hour, slower.usd_per_hour),
        most(proven.decode, slower.decode),
        most(proven.colocated, slower.colocated),
    )


def bounds_of(speed: float, offers: dict[tuple[str, ...], Offer]) -> SpeedBounds:
    """Return what offers by set of pools prove, those without plans left out."""
    known = {pools: offer for pools, offer in offers.items() if offer.usd_per_million is not None}
    return SpeedBounds(
        speed,
        {pools: offer.usd_per_million or 0.0 for pools, offer in known.items()},
        {pools: offer.usd_per_hour for pools, offer in known.items()},
        {pools: offer.decode for pools, offer in known.items()},
        {pools: offer.colocated for pools, offer in known.items()},
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
    planner: Planner, asking: Asking, speed: float, pool_choices: list[tuple[str, ...]]
) -> tuple[list[Kind], SpeedBounds, str]:
    """Return the kinds of replicas at one speed, what is proven there, and why there is none."""
    kinds: list[Kind] = []
    offers: dict[tuple[str, ...], Offer] = {}
    reason = ""
    for pools in pool_choices:
        if len(pools) > 1 and planner.is_late:
            offers[pools] = Offer((), 0.0, 0.0, "", decode=0.0)
            planner.skipped += 1
            continue
        offers[pools] = offer = offer_at(planner, asking, speed, pools)
        reason = reason or offer.reason
        if offer.usd_per_million is not None:
            kinds += kinds_of(planner, asking, offer)
    return kinds, bounds_of(speed, offers), reason


def kinds_of(planner: Planner, asking: Asking, offer: Offer) -> list[Kind]:
    """Return the kinds of replicas of an offer that were not seen before."""
    assert offer.usd_per_million is not None
    bound = offer.usd_per_million
    return [Kind(asking.index, plan, bound) for plan in offer.plans if is_new(planner.seen, asking.index, plan)]


def is_new(seen: set[object], service: int, plan: Plan) -> bool:
    """Return whether a plan is a kind of replica not seen before, and remember it."""
    if plan.status is not Status.PLANNED:
        return False
    assert plan.metrics is not None
    chunks = plan.phases.colocated.chunks if plan.phases and plan.phases.colocated else None
    key = (service, plan.groups, plan.batch, plan.schedule, chunks, round(plan.metrics.step_time_s, 12))
    text = repr(key)
    if text in seen:
        return False
    seen.add(text)
    return True
