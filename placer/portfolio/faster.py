"""Speeds between the fastest of a grid that works and the slowest that is proven impossible, by halving."""

from __future__ import annotations

import math
from dataclasses import replace

from placer.plan.plan import Status
from placer.portfolio.columns import Kind, Library, Planner, SpeedBounds, is_new, rising
from placer.portfolio.demand import Demand
from placer.scenario.portfolio import PortfolioScenario, ServedModel

#: Halvings: with a ratio of 1.5 the last two speeds are within 5.2 % of each other.
HALVINGS = 3


def with_faster(
    scenario: PortfolioScenario, demands: tuple[Demand, ...], library: Library, planner: Planner
) -> Library:
    """Return a library with more plans, and tighter limits on what speeds are possible, where agents decide.

    Parameters
    ----------
    scenario, demands, library
        The question, what every service is asked, and the plans there are.
    planner
        Makes the plans.
    """
    kinds, bounds, too_fast = list(library.kinds), list(library.bounds), list(library.too_fast)
    for index, (service, demand) in enumerate(zip(scenario.models, demands, strict=True)):
        limit = too_fast[index]
        if service.tokens_per_s_per_user is not None or limit is None or not bounds[index]:
            continue
        planner.left = HALVINGS
        found, levels, too_fast[index] = _halved(planner, (index, service, demand), bounds[index], limit)
        kinds += found
        bounds[index] = levels
    return replace(library, kinds=tuple(kinds), bounds=tuple(bounds), too_fast=tuple(too_fast), num_plans=planner.made)


def _halved(
    planner: Planner, who: tuple[int, ServedModel, Demand], levels: tuple[SpeedBounds, ...], limit: float
) -> tuple[list[Kind], tuple[SpeedBounds, ...], float]:
    index, service, demand = who
    kinds: list[Kind] = []
    for _ in range(HALVINGS):
        speed = math.sqrt(levels[-1].speed * limit)
        prices = {}
        for pools in levels[-1].usd_per_million:
            plan = planner.plan(service, demand, (speed, pools, None))
            if plan.status is not Status.INFEASIBLE:
                prices[pools] = bound = plan.bound.usd_per_million_output_tokens if plan.bound else 0.0
                kinds += [Kind(index, plan, bound)] if is_new(planner.seen, index, plan) else []
        if prices:
            rents = {pools: levels[-1].usd_per_hour[pools] for pools in prices}
            levels = (*levels, rising(levels[-1], SpeedBounds(speed, prices, rents)))
        else:
            limit = speed
    return kinds, levels, limit
