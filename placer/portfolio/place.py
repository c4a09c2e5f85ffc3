"""Devices for what was chosen: every replica and slot gets its place in the inventory, and its plan says so."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.fleet import Fleet
from placer.cost.money import tokens_per_s_per_mw, usd_per_million_tokens
from placer.plan.metrics import Bound, Metrics
from placer.plan.placement import ReplicaDevices
from placer.plan.plan import Plan
from placer.planner.provenance import input_hashes
from placer.portfolio.columns import Kind
from placer.portfolio.prefill import PrefillSet
from placer.portfolio.solve import Chosen, blocks_of, pool_rents, prefill_blocks
from placer.scenario.portfolio import PortfolioScenario

#: Limits of a whole inventory say nothing about a share of it.
_NOT_SHARED = ("inventory", "cost cap", "power cap", "load")
#: Gaps below are rounding.
LEAST_GAP = 1e-6


@dataclass(frozen=True)
class Places:
    """Blocks of devices that are free to be handed out, by pool and size."""

    starts: dict[str, dict[int, list[int]]]

    def take(self, pool: str, size: int) -> int:
        """Return the first device of a block, which is then taken."""
        return self.starts[pool][size].pop(0)


def places_of(chosen: Chosen) -> Places:
    """Return all blocks of a choice."""
    return Places({pool: {size: list(at) for size, at in sizes.items()} for pool, sizes in chosen.starts.items()})


def replicas_at(scenario: PortfolioScenario, kind: Kind, replicas: int, places: Places) -> tuple[ReplicaDevices, ...]:
    """Return the devices of some replicas of a kind, taken from what is free."""
    return tuple(_replica(scenario, kind, places) for _ in range(replicas))


def _replica(scenario: PortfolioScenario, kind: Kind, places: Places) -> ReplicaDevices:
    first = {}
    for group, block in zip(kind.plan.groups, blocks_of(scenario.fleet, kind.plan.groups), strict=True):
        starts = [places.take(block.pool, block.size) for _ in range(block.count)]
        if block.count == 1:
            starts = [starts[0] + stage * group.width for stage in range(group.stages)]
        first[group.role] = tuple(starts)
    return ReplicaDevices(first_device=first)


def groups_at(fleet: Fleet, groups: PrefillSet, places: Places) -> tuple[tuple[int, ...], ...]:
    """Return by group the first devices of its stages, taken from what is free."""
    shape, (block,) = groups.kind.shape, prefill_blocks(fleet, groups)
    per_group = block.count // groups.groups
    taken = [[places.take(block.pool, block.size) for _ in range(per_group)] for _ in range(groups.groups)]
    if per_group == shape.stages:
        return tuple(tuple(starts) for starts in taken)
    return tuple(tuple(starts[0] + stage * shape.width for stage in range(shape.stages)) for starts in taken)


def placed_plan(kind: Kind, replicas: tuple[ReplicaDevices, ...], name: str) -> Plan:
    """Return the plan of some replicas on given devices.

    The question becomes one without a demand, whose bound holds for any number of replicas; rent is that of the
    devices held, which is linear in replicas, since devices are rented one by one.

    Parameters
    ----------
    kind
        The plan of the search.
    replicas
        Devices.
    name
        The service, for the verdict.
    """
    plan, number = kind.plan, len(replicas)
    assert plan.placement is not None
    assert plan.metrics is not None
    target = plan.scenario.target.model_copy(update={"tokens_per_s": None})
    scenario = plan.scenario.model_copy(update={"target": target})
    devices = {group.pool: group.num_devices * number for group in plan.groups}
    metrics = _metrics(kind, devices, number)
    price = metrics.usd_per_million_output_tokens
    proven = min(kind.bound, price)
    gap = 1.0 - proven / price
    bound = Bound(usd_per_million_output_tokens=proven, relative_gap=gap)
    if gap < LEAST_GAP:
        bound = Bound(usd_per_million_output_tokens=price, relative_gap=0.0)
    return plan.model_copy(
        update={
            "scenario": scenario,
            "metrics": metrics,
            "bound": bound,
            "devices": devices,
            "binding": tuple(limit for limit in plan.binding if not limit.startswith(_NOT_SHARED)),
            "alternatives": (),
            "placement": plan.placement.model_copy(update={"replicas": replicas}),
            "provenance": plan.provenance.model_copy(update={"input_sha256": input_hashes(scenario)}),
            "verdict": (
                f"{name}: {number} replica(s) of {plan.scenario.model.name} in a portfolio, "
                f"${price:.4g}/M output tokens at full load on the devices they hold"
            ),
        }
    )


def _metrics(kind: Kind, devices: dict[str, int], number: int) -> Metrics:
    plan, fleet = kind.plan, kind.plan.scenario.fleet
    assert plan.metrics is not None
    assert plan.placement is not None
    usd_per_hour = sum(rent.usd_per_unit_hour * devices[pool] for pool, rent in pool_rents(fleet).items())
    power_w = sum(fleet.power_w(pool) * count for pool, count in devices.items())
    share = number / len(plan.placement.replicas)
    rate, utilisation = plan.metrics.capacity_tokens_per_s * share, plan.scenario.workload.utilisation
    return plan.metrics.model_copy(
        update={
            "usd_per_million_output_tokens": usd_per_million_tokens(usd_per_hour, rate * utilisation),
            "tokens_per_s": rate,
            "capacity_tokens_per_s": rate,
            "usd_per_hour": usd_per_hour,
            "power_w": power_w,
            "joules_per_token": power_w / (rate * utilisation),
            "tokens_per_s_per_mw": tokens_per_s_per_mw(rate, power_w) if power_w else None,
            "users": kind.users * number,
        }
    )
