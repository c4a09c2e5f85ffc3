"""Groups that prefill for one service: what numbers of them serve in time, and what no prompt can beat."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from placer.cost.handover import Route, sent_per_s
from placer.cost.money import known_usd_per_hour
from placer.cost.prefill import PrefillKind
from placer.cost.queueing import greatest_rate
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.plan.service import FirstToken
from placer.planner.phases import first_token
from placer.scenario.scenario import Scenario
from placer.scenario.service import Mode, Service
from placer.search.service.capacity import Prefill
from placer.search.service.kinds import prefill_kinds

#: Sets that serve everything: the smallest, and those with the first tokens that come soonest; and sets for a part.
MOST_SMALL, MOST_SOON, MOST_PARTS = 6, 2, 4
#: Numbers of groups reach this many times the inventory, for refusals that say how much is short.
BEYOND = 64
#: Groups beyond the fewest that serve everything: they shorten waits.
MORE_GROUPS = 2


@dataclass(frozen=True)
class PrefillSet:
    """Like groups of one pool that share a queue.

    Attributes
    ----------
    kind, groups
        What they are, and how many.
    prompts_per_s
        What they compute in time, at most.
    ttft_s
        Mean time to first token at that rate, or where all that the service is asked goes there, if that is less.
    """

    kind: PrefillKind
    groups: int
    prompts_per_s: float
    ttft_s: float

    @property
    def devices(self) -> int:
        """Devices of all groups."""
        return self.groups * self.kind.shape.num_devices


@dataclass(frozen=True)
class Prompts:
    """Prefill of one service.

    Attributes
    ----------
    scenario
        A question of the whole service on all pools that can run it, devices rented one by one.
    requests_per_s
        What it is asked.
    is_called
        Whether an agent waits for its first tokens.
    """

    scenario: Scenario
    requests_per_s: float
    is_called: bool

    @property
    def service(self) -> Service:
        """What must be delivered beyond decode."""
        assert self.scenario.service is not None
        return self.scenario.service

    @cached_property
    def model(self) -> ModelGraph:
        """The model lowered."""
        return lower(self.scenario.model)

    @cached_property
    def kinds(self) -> dict[str, tuple[PrefillKind, ...]]:
        """By pool, the kinds of groups of the declared space that no other beats."""
        return {
            pool.name: prefill_kinds(self.scenario, self.model, self.service, pool.name)
            for pool in self.scenario.fleet.pools
        }

    @cached_property
    def _prefill(self) -> Prefill:
        return Prefill(self.scenario, self.service, self.model, self.kinds)

    @property
    def least_ttft_s(self) -> dict[str, float]:
        """Return by pool that can prefill a time no first token is there before: the least latency of any kind [s].

        Steps that decode beside a chunk take no less time than a pass of the chunk alone.
        """
        return {pool: min(kind.latency_s for kind in kinds) for pool, kinds in self.kinds.items() if kinds}

    def usd_per_prompt(self, targets: tuple[str, ...]) -> dict[str, float]:
        """Return by pool what no prompt on devices of its own can beat, for replicas on some pools [USD].

        The least rent of any kind that is in time where nothing waits, at the highest load that is allowed.
        """
        if not self.service.allows(Mode.DISAGGREGATED):
            return {}
        return {pool: offer.usd_per_prompt for pool, offer in self._prefill.offers(targets).items()}

    def least_usd_per_prompt(self, targets: tuple[str, ...]) -> float:
        """Return the least of these, inf if there is none."""
        return min(self.usd_per_prompt(targets).values(), default=math.inf)

    def least_usd_per_hour(self, targets: tuple[str, ...]) -> float:
        """Return the least rent of one group for replicas on some pools; inf if there is none."""
        fleet, rents = self.scenario.fleet, list[float]()
        for pool, offer in self._prefill.offers(targets).items():
            usd = known_usd_per_hour(fleet, fleet.pool(pool))
            rents += [usd * kind.shape.num_devices for kind in offer.kinds]
        return min(rents, default=math.inf)

    def sets(self, targets: tuple[str, ...]) -> tuple[PrefillSet, ...]:
        """Return sets of groups to choose from, for replicas on some pools."""
        if not self.service.allows(Mode.DISAGGREGATED):
            return ()
        chosen: list[PrefillSet] = []
        for pool, offer in self._prefill.offers(targets).items():
            routes = self._prefill.routes(pool, targets) or []
            found = [each for kind in offer.kinds for each in self._sets_of(kind, routes)]
            chosen += _selected(_unbeaten(found, self.requests_per_s), self.requests_per_s)
        return tuple(chosen)

    def _sets_of(self, kind: PrefillKind, routes: list[Route]) -> Iterator[PrefillSet]:
        """Yield numbers of groups of one kind: as many as all prompts need, a few more, or for a part of them."""
        most = BEYOND * self.scenario.fleet.pool(kind.shape.pool).count // kind.shape.num_devices
        few = math.ceil(self.requests_per_s / (self.service.max_prefill_load * kind.prompts_per_s))
        enough = next((n for n in _growing(few, most) if self._most(kind, n, routes) >= self.requests_per_s), None)
        numbers = {1, max(1, most // BEYOND), most}
        if enough is not None:
            # Numbers grow by an eighth, so the fewest lie above the last that is not enough.
            while enough > 1 and self._most(kind, enough - 1, routes) >= self.requests_per_s:
                enough -= 1
            more = MORE_GROUPS if self.is_called else 0
            numbers = {*range(enough, min(most, enough + more) + 1), 1, max(1, enough // 2)}
        for groups in sorted(number for number in numbers if number <= most):
            rate = self._most(kind, groups, routes)
            if rate > 0.0:
                served = min(rate, self.requests_per_s)
                first = self.first_token(kind, groups, served, routes)
                yield PrefillSet(kind, groups, rate, first.ttft_s)

    def _most(self, kind: PrefillKind, groups: int, routes: list[Route]) -> float:
        """Return the prompts that groups compute in time, and can send on [1/s]."""
        sent = sent_per_s(self.model, self.scenario.workload.input_tokens, routes)
        most = min(self.service.max_prefill_load * kind.prompts_per_s, kind.shape.num_devices * sent) * groups
        limits = (self.service.ttft, self.service.ttft_p99)
        if limits == (None, None):
            return most
        rest_s = self.first_token(kind, groups, 0.0, routes).ttft_s
        mean_s, late_s = (math.inf if limit is None else limit - rest_s for limit in limits)
        if min(mean_s, late_s) < 0.0:
            return 0.0
        return min(most, greatest_rate(groups * kind.slots, kind.prompt_s, most_mean_s=mean_s, most_p99_s=late_s))

    def routes(self, pool: str, targets: tuple[str, ...]) -> list[Route]:
        """Return the ways of KV cache from a pool to all pools that decode."""
        return self._prefill.routes(pool, targets) or []

    def first_token(self, kind: PrefillKind, groups: int, prompts_per_s: float, routes: Sequence[Route]) -> FirstToken:
        """Return what the time to first token is made of, at a rate of prompts [1/s]."""
        return first_token(self.scenario, self.model, kind, (groups, prompts_per_s), routes)


def _growing(first: int, most: int) -> Iterator[int]:
    """Yield numbers of groups, each an eighth larger than the last at least."""
    number = max(1, first)
    while number <= most:
        yield number
        number += max(1, number // 8)


def _unbeaten(found: list[PrefillSet], requests_per_s: float) -> list[PrefillSet]:
    """Return sets that no other matches in devices, size of a group, rate as far as it is of use, and TTFT."""
    figures = [
        (each.devices, each.kind.shape.num_devices, -min(each.prompts_per_s, requests_per_s), each.ttft_s)
        for each in found
    ]
    return [
        found[index]
        for index, own in enumerate(figures)
        if not any(
            all(a <= b for a, b in zip(other, own, strict=True)) and (other != own or place < index)
            for place, other in enumerate(figures)
        )
    ]


def _selected(found: list[PrefillSet], requests_per_s: float) -> list[PrefillSet]:
    """Return the smallest sets that serve everything, those whose first tokens come soonest, and some for a part."""
    whole = [each for each in found if each.prompts_per_s >= requests_per_s]
    small = sorted(whole, key=lambda each: (each.devices, each.ttft_s))[:MOST_SMALL]
    soon = sorted(whole, key=lambda each: (each.ttft_s, each.devices))[:MOST_SOON]
    parts = sorted(
        (each for each in found if each.prompts_per_s < requests_per_s),
        key=lambda each: (-each.prompts_per_s / each.devices, each.devices),
    )
    return list(dict.fromkeys([*small, *soon, *parts[:MOST_PARTS]]))
