"""Times to first token: what plans say of them at the traffic they get, and in turns."""

from __future__ import annotations

from placer.cost.queueing import Wait, queue_wait
from placer.plan.plan import Plan
from placer.plan.service import ColocatedPrefill, FirstToken, PrefillPool
from placer.scenario.portfolio import ServedModel


def ttft_s(plan: Plan, service: ServedModel, requests_per_s: float) -> float:
    """Return the mean time to first token of a resident model [s].

    Parameters
    ----------
    plan
        Of the whole service, or of decode alone: then what the service says counts.
    service
        Whose it is.
    requests_per_s
        Requests all its replicas get together.
    """
    if plan.phases is None:
        return service.ttft or 0.0
    assert plan.placement is not None
    colocated = plan.phases.colocated
    if colocated is not None:
        first = colocated.first_token
        wait = queue_wait(lanes(plan, colocated), requests_per_s / len(plan.placement.replicas), first.prefill_s)
        return wait.mean_s + _rest_s(first)
    served = sum(pool.prompts_per_s for pool in plan.phases.prefill)
    shares = [(pool, pool.prompts_per_s / served) for pool in plan.phases.prefill]
    return sum(
        share * (_wait(pool, share * requests_per_s).mean_s + _rest_s(pool.first_token)) for pool, share in shares
    )


def lanes(plan: Plan, colocated: ColocatedPrefill) -> int:
    """Return how many prompts a replica prefills at a time."""
    (group,) = plan.groups
    return group.stages * (group.width // group.tp) * colocated.chunks.prompts


def round_s(plan: Plan) -> float:
    """Return what a turn takes for as many prompts as a replica prefills at a time [s]; 0 where only decode is planned.

    Steps decode as many sequences as the replica has room for meanwhile: with fewer they are no longer.
    """
    if plan.phases is None or plan.phases.colocated is None:
        return 0.0
    return _rest_s(plan.phases.colocated.first_token)


def _rest_s(first: FirstToken) -> float:
    return first.reload_s + first.prefill_s + first.kv_transfer_s


def _wait(pool: PrefillPool, prompts_per_s: float) -> Wait:
    slots = pool.groups * (pool.width // pool.tp) * pool.chunks.prompts
    return queue_wait(slots, prompts_per_s, pool.prompt_s)
