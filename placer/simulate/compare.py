"""What was measured in a run, as a report next to the plan's prediction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from placer.cost.group import Array
from placer.plan.placement import GroupPlan, Role
from placer.plan.plan import Plan
from placer.simulate.outcome import (
    Compared,
    DeviceUse,
    Mode,
    ResourceUse,
    SimulationReport,
    StageUse,
    TokenTimes,
)
from placer.simulate.program import Engine, Resource
from placer.simulate.route import Route

#: Engines by what the plan's occupancy calls them, after the name of the group.
ENGINES = {
    "": (Engine.COMPUTE,),
    " fabric": (Engine.FABRIC,),
    " out": (Engine.OUT, Engine.BOTH_WAYS),
    " in": (Engine.IN, Engine.BOTH_WAYS),
}


@dataclass(frozen=True)
class Measured:
    """One run of one replica.

    Attributes
    ----------
    steps_s : ndarray
        Steps of all microbatches.
    step_s, tokens_per_s, law_s
        Mean step, tokens of the replica, and the law's step.
    busy_share : ndarray, shape (num_resources,)
        Share of the time every resource is in use.
    steps, warm_up
        Steps measured, and those before.
    is_settled, seed, jitter
        As in `placer.simulate.outcome.SimulationReport`.
    """

    steps_s: Array
    step_s: float
    tokens_per_s: float
    busy_share: Array
    law_s: float
    steps: int
    warm_up: int
    is_settled: bool | None = None
    seed: int | None = None
    jitter: float | None = None


def report_of(plan: Plan, route: Route, measured: Measured, mode: Mode, gained: float = 1.0) -> SimulationReport:
    """Return the report of a run in which every step gains a sequence so many tokens."""
    assert plan.metrics is not None
    assert plan.placement is not None
    resources = route.program.resources
    share = dict(zip(resources, measured.busy_share.tolist(), strict=True))
    replicas = len(plan.placement.replicas)
    return SimulationReport(
        mode=mode,
        schedule=plan.schedule,
        steps=measured.steps,
        warm_up_steps=measured.warm_up,
        seed=measured.seed,
        jitter=measured.jitter,
        is_settled=measured.is_settled,
        law_step_time_s=measured.law_s,
        step_time=_compared(measured.step_s, plan.metrics.step_time_s),
        token_times=TokenTimes(
            mean_s=measured.step_s / gained,
            p50_s=float(np.percentile(measured.steps_s, 50)) / gained,
            p99_s=float(np.percentile(measured.steps_s, 99)) / gained,
        ),
        tokens_per_s=_compared(replicas * measured.tokens_per_s, plan.metrics.capacity_tokens_per_s),
        resources=tuple(_resources(plan, share)),
        stages=tuple(_stage(resource, used, measured.step_s) for resource, used in _ordered(share)),
        devices=tuple(_devices(plan, share)),
    )


def _compared(simulated: float, predicted: float) -> Compared:
    difference = simulated / predicted - 1.0 if predicted else None
    return Compared(simulated=simulated, predicted=predicted, difference=difference)


def _ordered(share: dict[Resource, float]) -> list[tuple[Resource, float]]:
    engines = list(Engine)
    roles = list(Role)
    return sorted(
        share.items(), key=lambda item: (roles.index(item[0].role), item[0].stage, engines.index(item[0].engine))
    )


def _stage(resource: Resource, used: float, step_s: float) -> StageUse:
    return StageUse(
        role=resource.role, stage=resource.stage, engine=resource.engine, utilisation=used, busy_s=used * step_s
    )


def _resources(plan: Plan, share: dict[Resource, float]) -> Iterator[ResourceUse]:
    assert plan.metrics is not None
    for entry in plan.occupancy:
        if entry.resource == Engine.DRAFTER:
            found = [value for resource, value in share.items() if resource.engine is Engine.DRAFTER]
            predicted = entry.busy_s / plan.metrics.step_time_s
            yield from (ResourceUse(resource=entry.resource, utilisation=_compared(each, predicted)) for each in found)
        for role in Role:
            engines = ENGINES.get(entry.resource.removeprefix(str(role)))
            if not entry.resource.startswith(str(role)) or engines is None:
                continue
            used = [value for resource, value in share.items() if resource.role is role and resource.engine in engines]
            predicted = entry.busy_s / plan.metrics.step_time_s
            yield ResourceUse(resource=entry.resource, utilisation=_compared(max(used, default=0.0), predicted))


def _devices(plan: Plan, share: dict[Resource, float]) -> Iterator[DeviceUse]:
    assert plan.placement is not None
    groups = {group.role: group for group in plan.groups}
    for number, replica in enumerate(plan.placement.replicas):
        for role, first_devices in replica.first_device.items():
            for stage, first in enumerate(first_devices):
                used = {
                    str(one.engine): value
                    for one, value in _ordered(share)
                    if (one.role, one.stage) == (role, stage) and one.engine is not Engine.DRAFTER
                }
                for device in _named(groups[role], first):
                    yield DeviceUse(device=device, replica=number, role=role, stage=stage, utilisation=used)


def _named(group: GroupPlan, first: int) -> list[str]:
    return [f"{group.pool}[{index}]" for index in range(first, first + group.width)]
