"""Speeds between the fastest of a grid that works and the slowest that is proven impossible, by halving."""

from __future__ import annotations

import math
from dataclasses import replace

from placer.portfolio.columns import Kind, Library, SpeedBounds, bounds_of, kinds_of, rising
from placer.portfolio.demand import Demand
from placer.portfolio.offers import Asking, Planner, offer_at
from placer.scenario.portfolio import PortfolioScenario

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
        found, levels, too_fast[index] = _halved(
            planner, Asking(index, service, demand, library.prompts[index]), bounds[index], limit
        )
        kinds += found
        bounds[index] = levels
    return replace(library, kinds=tuple(kinds), bounds=tuple(bounds), too_fast=tuple(too_fast), num_plans=planner.made)


def _halved(
    planner: Planner, asking: Asking, levels: tuple[SpeedBounds, ...], limit: float
) -> tuple[list[Kind], tuple[SpeedBounds, ...], float]:
    kinds: list[Kind] = []
    for _ in range(HALVINGS):
        speed = math.sqrt(levels[-1].speed * limit)
        offers = {pools: offer_at(planner, asking, speed, pools, is_quick=True) for pools in levels[-1].usd_per_million}
        proven = bounds_of(speed, offers)
        if proven.usd_per_million:
            kinds += [
                kind
                for offer in offers.values()
                if offer.usd_per_million is not None
                for kind in kinds_of(planner, asking, offer)
            ]
            levels = (*levels, rising(levels[-1], proven))
        else:
            limit = speed
    return kinds, levels, limit
