"""Step time, throughput, power and price from flow and rental (``docs/method.md``, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from placer.scenario.scenario import Scenario
from placer.verify.finding import RecomputedMetrics
from placer.verify.recompute.flow import Flow
from placer.verify.recompute.rates import device_usd_per_hour, site_watts
from placer.verify.recompute.replica import Replica


def occupancy_s(flow: Flow, replica: Replica) -> dict[str, float]:
    """Return how long every resource is busy in a step, all microbatches counted; stages also with turns."""
    busy: dict[str, float] = {}
    for role in replica.groups:
        busy[str(role)] = replica.batch.in_flight * flow.busiest_s(role)
        busy[f"{role} fabric"] = replica.batch.in_flight * flow.busiest_fabric_s(role)
        if replica.batch.in_flight > 1:
            busy[f"{role} turns"] = replica.num_turns(role) * flow.longest_turn_s(role)
        if replica.crossing is not None:
            out, back = flow.port_s(role, replica)
            busy[f"{role} out"] = replica.batch.in_flight * out
            busy[f"{role} in"] = replica.batch.in_flight * back
    if replica.draft.is_beside:
        busy["drafter"] = replica.draft.busy_s(replica.batch.in_flight)
    return busy


def step_time_s(flow: Flow, replica: Replica) -> float:
    """Return ``T' = max(path, m * busiest, turns of the fullest stage)``."""
    return max(flow.path_s, *occupancy_s(flow, replica).values())


def hourly(rented: Mapping[str, int], scenario: Scenario) -> tuple[float, float]:
    """Return cost [USD/h] and power, PUE included [W], of what is rented."""
    fleet = scenario.fleet
    cost = sum(count * device_usd_per_hour(fleet, name) for name, count in rented.items())
    return cost, sum(count * site_watts(fleet, name) for name, count in rented.items())


@dataclass(frozen=True)
class Stated:
    """What figures are derived from besides the placement of a replica.

    How many there are, the step achieved, and the tokens a sequence gains in it.
    """

    replicas: int
    step_time_s: float
    tokens_gained: float = 1.0


def metrics_of(
    flow: Flow, replica: Replica, rented: Mapping[str, int], stated: Stated, scenario: Scenario
) -> RecomputedMetrics:
    """Return everything a plan claims about itself.

    The achieved step time is the plan's, unless that is shorter than the law allows: then it is the law's.
    """
    law, replicas = step_time_s(flow, replica), stated.replicas
    step = stated.step_time_s if stated.step_time_s > law else law
    users = replicas * replica.batch.in_flight * replica.batch.sequences
    capacity = users * stated.tokens_gained / step
    sold = scenario.target.tokens_per_s or capacity
    cost, power = hourly(rented, scenario)
    return RecomputedMetrics(
        law_step_time_s=law,
        step_time_s=step,
        path_s=flow.path_s,
        tokens_per_s_per_user=stated.tokens_gained / step,
        tokens_per_s=sold,
        capacity_tokens_per_s=capacity,
        users=users,
        usd_per_hour=cost,
        usd_per_million_output_tokens=1e6 * cost / (3600.0 * sold * scenario.workload.utilisation),
        power_w=power,
        joules_per_token=power / (sold * scenario.workload.utilisation),
        tokens_per_s_per_mw=sold / (power / 1e6) if power else None,
    )
