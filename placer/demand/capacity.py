"""What an hour's requests take of a plan: replicas, prefill groups, and the devices rented for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from placer.catalog.fleet import Fleet, Pool
from placer.cost.money import block_of, known_usd_per_hour, rented_devices, shared_devices
from placer.cost.shape import GroupShape
from placer.demand.occupancy import slots_needed
from placer.demand.prefill import PrefillQueue, prefill_queues
from placer.errors import InputError
from placer.plan.plan import Plan, Status
from placer.scenario.workload import Target

_NOISE = 1e-9


@dataclass(frozen=True)
class Guarantee:
    """What must hold in every hour: the share of time in which slots suffice, and how bursty arrivals are."""

    percentile: float
    peakedness: float


@dataclass(frozen=True)
class HourNeed:
    """What an hour needs, fewest of each.

    Attributes
    ----------
    mean_users, users
        Requests in service: their mean, and their number at the percentile.
    replicas
        Replicas whose slots hold these.
    groups
        Prefill groups of every prefill pool.
    devices
        Rented devices by pool.
    """

    mean_users: float
    users: int
    replicas: int
    groups: tuple[int, ...]
    devices: Mapping[str, int]


@dataclass(frozen=True)
class Capacity:
    """What replicas of a plan hold, and what prefills beside them.

    Attributes
    ----------
    fleet, target
        Inventory, and caps on rent and power.
    shapes
        Groups of a replica.
    slots_per_replica
        Sequences a replica decodes at once.
    residence_s
        How long a request keeps its slot: output tokens at the plan's speed, that of full slots [s].
    replica_requests_per_s
        Requests a replica serves; more than its slots do, unless prompts between its steps allow fewer [1/s].
    prefill
        Queues of prompts on devices of their own.
    """

    fleet: Fleet
    target: Target
    shapes: tuple[GroupShape, ...]
    slots_per_replica: int
    residence_s: float
    replica_requests_per_s: float
    prefill: tuple[PrefillQueue, ...]

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Pools that are rented, in the fleet's order."""
        used = {shape.pool for shape in self.shapes} | {queue.pool.pool for queue in self.prefill}
        return tuple(pool for pool in self.fleet.pools if pool.name in used)

    def need(self, requests_per_s: float, must: Guarantee) -> HourNeed:
        """Return what an hour of some arrivals needs, inventory or not."""
        mean = requests_per_s * self.residence_s
        users = slots_needed(mean, must.percentile, must.peakedness)
        at_rate = int(np.ceil(requests_per_s / self.replica_requests_per_s * (1 - _NOISE)))
        replicas = max(-(-users // self.slots_per_replica), at_rate)
        groups = tuple(queue.fewest_groups(requests_per_s, must.peakedness) for queue in self.prefill)
        return HourNeed(mean, users, replicas, groups, self._devices(replicas, groups))

    def misses(self, need: HourNeed) -> tuple[str, ...]:
        """Return what an hour takes too much of, in words: devices of a pool, rent, power."""
        return tuple(self._missed(need))

    def _missed(self, need: HourNeed) -> Iterator[str]:
        usd_per_hour = power_w = 0.0
        for pool in self.pools:
            rented = need.devices[pool.name]
            if rented > pool.count:
                yield f"{rented:,} devices of {pool.name}, of which there are {pool.count:,}"
            usd_per_hour += rented * known_usd_per_hour(self.fleet, pool)
            power_w += rented * self.fleet.power_w(pool.name)
        cost_cap, power_cap = self.target.cost_cap, self.target.power_cap
        if cost_cap is not None and usd_per_hour > cost_cap * (1 + _NOISE):
            yield f"{usd_per_hour:,.2f} USD/h at the plan's prices, above its target.cost_cap of {cost_cap:,.2f} USD/h"
        if power_cap is not None and power_w > power_cap * (1 + _NOISE):
            yield f"{power_w:,.0f} W, above the plan's target.power_cap of {power_cap:,.0f} W"

    def _devices(self, replicas: int, groups: tuple[int, ...]) -> dict[str, int]:
        number, none = np.array([replicas]), np.array([0])
        decode = {shape.pool: shape for shape in self.shapes}
        prefill = dict(zip((queue.pool.pool for queue in self.prefill), groups, strict=True))
        devices = {}
        for pool in self.pools:
            shape, beside = decode.get(pool.name), prefill.get(pool.name, 0)
            if not beside:
                rented = none if shape is None or not replicas else rented_devices(pool, shape, number)
            else:
                size, blocks = (1, 0) if shape is None else block_of(pool, shape)
                queue = next(each for each in self.prefill if each.pool.pool == pool.name)
                own, per_group = block_of(pool, _shape(queue))
                rented = shared_devices(
                    pool, (size, number * blocks), np.array([own]), np.array([beside * per_group], dtype=np.int64)
                )
            devices[pool.name] = int(rented[0])
        return devices


def _shape(queue: PrefillQueue) -> GroupShape:
    pool = queue.pool
    return GroupShape(pool.pool, pool.stages, pool.width, pool.tp, pool.expert_tp)


def capacity_of(plan: Plan, where: str) -> Capacity:
    """Return what replicas of a plan hold and what prefills beside them.

    Raises
    ------
    InputError
        If it is a refusal or undecided.
    """
    if plan.status is not Status.PLANNED or plan.metrics is None or plan.placement is None or plan.batch is None:
        raise InputError(f"expected a plan with a placement, got one that is {plan.status}", where=where)
    scenario, metrics = plan.scenario, plan.metrics
    slots = plan.batch.sequences_per_microbatch * plan.batch.microbatches_in_flight
    residence_s = scenario.workload.output_tokens / metrics.tokens_per_s_per_user
    rate = slots / residence_s
    if plan.phases is not None and plan.phases.colocated is not None:
        served = metrics.capacity_tokens_per_s / scenario.workload.output_tokens
        rate = min(rate, served / len(plan.placement.replicas))
    return Capacity(
        fleet=scenario.fleet,
        target=scenario.target,
        shapes=tuple(GroupShape(each.pool, each.stages, each.width, each.tp, each.expert_tp) for each in plan.groups),
        slots_per_replica=slots,
        residence_s=residence_s,
        replica_requests_per_s=rate,
        prefill=prefill_queues(plan),
    )
