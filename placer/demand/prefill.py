"""How many prefill groups an hour needs, so that first tokens stay in time: the rule the plan was made by."""

from __future__ import annotations

import math
from dataclasses import dataclass

from placer.cost.handover import routes_between, sent_per_s
from placer.cost.queueing import Wait, queue_wait
from placer.graph.lower import lower
from placer.plan.plan import Plan
from placer.plan.service import PrefillPool
from placer.scenario.service import Service


@dataclass(frozen=True)
class PrefillQueue:
    """Prefill groups of one pool, which share a queue.

    Attributes
    ----------
    pool
        Shape of a group, its times, and what a first token takes beside the wait.
    share
        Of all prompts, those this pool computes.
    service
        Targets.
    group_ports_per_s
        Prompts whose KV cache the ports of a group send on [1/s].
    most_groups
        Groups the pool has devices for, if it has no others.
    """

    pool: PrefillPool
    share: float
    service: Service
    group_ports_per_s: float
    most_groups: int

    @property
    def slots(self) -> int:
        """Prompts a group computes at a time."""
        return self.pool.chunks.prompts * (self.pool.width // self.pool.tp)

    @property
    def alone_s(self) -> float:
        """Time to first token of a prompt that does not wait [s]."""
        first = self.pool.first_token
        return first.reload_s + first.prefill_s + first.kv_transfer_s

    def wait(self, groups: int, requests_per_s: float, peakedness: float) -> Wait:
        """Return how long prompts wait.

        Where arrivals are bursty, ``2 z - 1`` times as long as Poisson ones (Allen and Cunneen: ``(ca^2 + cs^2) / 2``,
        with services alike; the ``ca^2`` of bursts of ``k`` is ``k = 2 z - 1``).
        """
        calm = queue_wait(groups * self.slots, self.share * requests_per_s, self.pool.prompt_s)
        bursts = 2.0 * peakedness - 1.0
        return Wait(bursts * calm.mean_s, bursts * calm.p99_s)

    def is_in_time(self, groups: int, requests_per_s: float, peakedness: float) -> bool:
        """Return whether load, first tokens and ports hold."""
        service, rate = self.service, self.share * requests_per_s
        if rate * self.pool.prompt_s > service.max_prefill_load * groups * self.slots * (1 + 1e-12):
            return False
        if rate > groups * self.group_ports_per_s * (1 + 1e-12):
            return False
        if service.longest_alone_s == math.inf:
            return True
        wait = self.wait(groups, requests_per_s, peakedness)
        return service.is_in_time(self.alone_s + wait.mean_s, self.alone_s + wait.p99_s)

    def fewest_groups(self, requests_per_s: float, peakedness: float) -> int:
        """Return the fewest groups that are in time, by bisection: more groups never wait longer.

        Where more are needed than the pool has devices for, a number that is too small, yet too large for the pool.
        """
        if requests_per_s == 0:
            return 0
        least, most = 0, self.most_groups + 1
        if not self.is_in_time(self.most_groups, requests_per_s, peakedness):
            work = self.share * requests_per_s * self.pool.prompt_s / (self.service.max_prefill_load * self.slots)
            return max(most, math.ceil(work))
        while most - least > 1:
            middle = (least + most) // 2
            holds = self.is_in_time(middle, requests_per_s, peakedness)
            least, most = (least, middle) if holds else (middle, most)
        return most


def prefill_queues(plan: Plan) -> tuple[PrefillQueue, ...]:
    """Return the prefill pools of a plan; none where only decode is planned, or steps take prompts along."""
    service, scenario = plan.scenario.service, plan.scenario
    if plan.phases is None or service is None or not plan.phases.prefill:
        return ()
    pools = plan.phases.prefill
    served = sum(pool.prompts_per_s for pool in pools)
    model, targets = lower(scenario.model), [group.pool for group in plan.groups]
    queues = []
    for pool in pools:
        routes = routes_between(scenario.fleet, pool.pool, targets)
        sent = sent_per_s(model, scenario.workload.input_tokens, routes) if routes else 0.0
        group_ports = pool.stages * pool.width * sent
        most = scenario.fleet.pool(pool.pool).count // (pool.stages * pool.width)
        queues.append(PrefillQueue(pool, pool.prompts_per_s / served, service, group_ports, most))
    return tuple(queues)
