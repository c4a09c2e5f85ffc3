"""Replicas that prefill between their steps, for one service at one speed on one pool."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from placer.catalog.fleet import Pool
from placer.plan.plan import Plan, Status
from placer.portfolio.prefill import Prompts
from placer.portfolio.question import colocated_question
from placer.scenario.scenario import Scenario
from placer.scenario.service import Mode
from placer.search.service.colocated import MixedResult, MixedSearch


def colocated_offer(
    plan: Callable[[Scenario], Plan], prompts: Prompts, decode: Scenario, tokens_per_s: float, gap: float
) -> tuple[float, list[Plan]]:
    """Return what no such replica can beat [USD per million output tokens], inf if there is none, and plans.

    Plans are the cheapest per request on 1, 2, 4 ... devices, as far as more devices serve more of the demand: what is
    asked little needs few devices rather than cheap ones.

    Parameters
    ----------
    plan
        Makes plans.
    prompts
        Prefill of the service.
    decode
        The question of its replicas.
    tokens_per_s
        What it is asked.
    gap
        Relative gap at which a search stops.
    """
    pools = decode.fleet.pools
    if len(pools) > 1 or not prompts.service.allows(Mode.COLOCATED):
        return math.inf, []
    whole = _searched(prompts, decode, pools[0].count, gap)
    if not whole.founds:
        return whole.bound, []
    plans: list[Plan] = []
    for devices in _inventories(pools[0]):
        if devices < pools[0].count and not _searched(prompts, decode, devices, gap).founds:
            continue
        planned = plan(colocated_question(decode, prompts.service, devices))
        if planned.status is Status.PLANNED:
            plans.append(planned)
            assert planned.metrics is not None
            if planned.metrics.capacity_tokens_per_s >= tokens_per_s:
                break
    return whole.bound, plans


def _searched(prompts: Prompts, decode: Scenario, devices: int, gap: float) -> MixedResult:
    scenario = colocated_question(decode, prompts.service, devices)
    return MixedSearch(scenario, prompts.model, prompts.service).search(math.inf, gap)


def _inventories(pool: Pool) -> Iterator[int]:
    """Yield numbers of devices, each twice the last: in a scale-up domain, then whole ones.

    >>> list(_inventories(Pool(name="p", device="d", count=24, domain=6, scale_up="l", scale_out="l")))
    [1, 2, 4, 6, 12, 24]
    """
    devices, domain = 1, min(pool.domain, pool.count)
    while devices < domain:
        yield devices
        devices *= 2
    devices = domain
    while devices < pool.count:
        yield devices
        devices *= 2
    yield pool.count
