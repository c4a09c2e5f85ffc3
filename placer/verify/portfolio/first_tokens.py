"""When first tokens come at the traffic a plan gets: queues of its phases, which its own checks confirm."""

from __future__ import annotations

from placer.cost.queueing import queue_wait
from placer.plan.plan import Plan
from placer.plan.service import FirstToken
from placer.scenario.portfolio import ServedModel


def without_wait_s(first: FirstToken) -> float:
    """Return the time to first token of a prompt that does not wait [s]."""
    return first.ttft_s - first.wait_s


def prompt_lanes(plan: Plan) -> int:
    """Return how many prompts one replica takes in at a time, where it prefills between steps; else 0."""
    if plan.phases is None or plan.phases.colocated is None:
        return 0
    ranks = sum(group.width // group.tp * group.stages for group in plan.groups)
    return ranks * plan.phases.colocated.chunks.prompts


def resident_ttft_s(plan: Plan, service: ServedModel, requests_per_s: float) -> float:
    """Return the mean time to first token of all replicas of a plan together at a rate [s].

    Parameters
    ----------
    plan, service
        What serves, and for whom.
    requests_per_s
        All requests the plan gets.
    """
    if plan.phases is None:
        return service.ttft or 0.0
    assert plan.placement is not None
    lanes = prompt_lanes(plan)
    if plan.phases.colocated is not None:
        first, mine = plan.phases.colocated.first_token, requests_per_s / len(plan.placement.replicas)
        return without_wait_s(first) + queue_wait(lanes, mine, first.prefill_s).mean_s
    total, mean_s = sum(pool.prompts_per_s for pool in plan.phases.prefill), 0.0
    for pool in plan.phases.prefill:
        part = pool.prompts_per_s / total
        slots = len(pool.first_devices) * pool.chunks.prompts * (pool.width // pool.tp)
        wait = queue_wait(slots, part * requests_per_s, pool.prompt_s)
        mean_s += part * (without_wait_s(pool.first_token) + wait.mean_s)
    return mean_s


def turn_ttft_s(plan: Plan, service: ServedModel, batch_requests: int) -> float:
    """Return when the last prompt of a turn has its first token, from its begin on: one round after the other [s]."""
    lanes = prompt_lanes(plan)
    if plan.phases is None or plan.phases.colocated is None:
        return service.ttft or 0.0
    return -(-batch_requests // lanes) * without_wait_s(plan.phases.colocated.first_token)
