"""One service on some pools as a question to the planner, devices rented one by one."""

from __future__ import annotations

from itertools import combinations

from placer.catalog.fleet import Fleet
from placer.portfolio.demand import Demand
from placer.scenario.portfolio import PortfolioScenario, ServedModel
from placer.scenario.scenario import Scenario
from placer.scenario.space import Space
from placer.scenario.workload import Target, Workload


def pool_sets(scenario: PortfolioScenario) -> tuple[tuple[str, ...], ...]:
    """Return the sets of pools a replica may use: each alone, and linked ones in pairs."""
    names = [pool.name for pool in scenario.fleet.pools]
    alone: list[tuple[str, ...]] = [(name,) for name in names]
    if scenario.max_groups == 1:
        return tuple(alone)
    return (*alone, *(pair for pair in combinations(names, 2) if scenario.fleet.cross_link(*pair)))


def by_device(fleet: Fleet, pools: tuple[str, ...]) -> Fleet:
    """Return some pools of a fleet with units of one device: whole units are shared by all models."""
    kept = tuple(pool.model_copy(update={"unit": 1}) for pool in fleet.pools if pool.name in pools)
    links = tuple(cross for cross in fleet.links if set(cross.between) <= set(pools))
    return fleet.model_copy(update={"pools": kept, "links": links})


def question(
    scenario: PortfolioScenario,
    service: ServedModel,
    demand: Demand,
    asked: tuple[float, tuple[str, ...], float | None],
) -> Scenario:
    """Return the question to the planner.

    Parameters
    ----------
    scenario, service, demand
        Who asks.
    asked
        Speed [tokens/s per user], pools every replica uses, and tokens per second to serve, or None for the cheapest.
    """
    speed, pools, tokens_per_s = asked
    return Scenario(
        model=service.model,
        fleet=by_device(scenario.fleet, pools),
        workload=Workload(
            input_tokens=demand.input_tokens, output_tokens=demand.output_tokens, routing=service.routing
        ),
        target=Target(tokens_per_s_per_user=speed, tokens_per_s=tokens_per_s, required_pools=pools),
        space=Space(max_groups=len(pools)),
    )
