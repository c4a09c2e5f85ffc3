"""One service on some pools as a question to the planner, devices rented one by one."""

from __future__ import annotations

from itertools import combinations

from placer.catalog.fleet import Fleet
from placer.portfolio.demand import Demand
from placer.scenario.portfolio import PortfolioScenario, ServedModel
from placer.scenario.scenario import Scenario
from placer.scenario.service import Mode, Service
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
    """Return the question to the planner of decode.

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
        space=Space(max_groups=max(1, len(pools))),
    )


def reached(scenario: PortfolioScenario, usable: tuple[str, ...], pools: tuple[str, ...]) -> tuple[str, ...]:
    """Return the pools from which KV cache comes to replicas on some pools: these, and those linked to all of them.

    Parameters
    ----------
    scenario
        Has the fleet.
    usable
        Pools that can run the model.
    pools
        Where replicas lie.
    """
    linked = [
        name
        for name in usable
        if all(name == pool or scenario.fleet.cross_link(name, pool) is not None for pool in pools)
    ]
    return tuple(pool.name for pool in scenario.fleet.pools if pool.name in linked or pool.name in pools)


def whole_question(decode: Scenario, fleet: Fleet, service: Service) -> Scenario:
    """Return the question of a whole service from that of its replicas, prefill anywhere on a fleet."""
    target = decode.target.model_copy(update={"tokens_per_s": None})
    return decode.model_copy(update={"fleet": fleet, "target": target, "service": service})


def colocated_question(decode: Scenario, service: Service, devices: int) -> Scenario:
    """Return the question of replicas that prefill between their steps, on at most so many devices of their pool."""
    pools = tuple(pool.model_copy(update={"count": devices}) for pool in decode.fleet.pools)
    only = service.model_copy(update={"forbidden_modes": (Mode.DISAGGREGATED,)})
    return whole_question(decode, decode.fleet.model_copy(update={"pools": pools}), only)
