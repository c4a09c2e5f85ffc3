"""What numbers of prefill groups serve: prompts per second at which first tokens come in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from placer.catalog.fleet import Fleet
from placer.cost.group import Array
from placer.cost.handover import Route, first_token_s, routes_between, sent_per_s
from placer.cost.money import SECONDS_PER_HOUR, block_of, known_usd_per_hour, most_groups
from placer.cost.prefill import PrefillKind
from placer.cost.queueing import queue_wait
from placer.graph.model_graph import ModelGraph
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service

Integers = NDArray[np.int64]
#: Kinds of a pool that plans choose from: those with the highest rates per device of every size.
MOST_KINDS = 12
#: Numbers of groups of a second pool that are tried beside those of a first.
MIXED = 12
#: Halvings of the load at which waits still hold.
HALVINGS = 40


@dataclass(frozen=True)
class Choices:
    """Choices of prefill groups; arrays of equal length, by choice.

    Attributes
    ----------
    groups
        Kinds and numbers.
    prompts_per_s
        What they serve in time.
    sizes, blocks : dict of ndarray
        By pool: devices that must lie together, and how many such blocks; none where ``blocks`` is 0.
    """

    groups: tuple[tuple[tuple[PrefillKind, int], ...], ...]
    prompts_per_s: Array
    sizes: dict[str, Integers]
    blocks: dict[str, Integers]


@dataclass(frozen=True)
class PoolOffer:
    """What a pool can do for prefill, at best.

    Attributes
    ----------
    kinds
        Kinds whose first tokens come in time where nothing waits, the highest rate per device first.
    usd_per_prompt
        No prompt costs less here, nothing else paid for.
    prompts_per_s_per_device
        No device computes more.
    """

    kinds: tuple[PrefillKind, ...]
    usd_per_prompt: float
    prompts_per_s_per_device: float


class Prefill:
    """Prefill for decoding groups of given pools."""

    def __init__(
        self, scenario: Scenario, service: Service, model: ModelGraph, kinds: dict[str, tuple[PrefillKind, ...]]
    ) -> None:
        self._scenario, self._service, self._model, self._kinds = scenario, service, model, kinds
        self.offers = lru_cache(maxsize=64)(self._offers)
        self.choices = lru_cache(maxsize=64)(self._choices)

    @property
    def _fleet(self) -> Fleet:
        return self._scenario.fleet

    def routes(self, source: str, targets: Sequence[str]) -> list[Route] | None:
        """Return the ways of KV cache to all pools that decode; None where one cannot be reached."""
        return routes_between(self._fleet, source, targets)

    def _alone_s(self, kind: PrefillKind, routes: list[Route]) -> float:
        """Return the time to first token of a prompt that does not wait."""
        tokens = self._scenario.workload.input_tokens
        return max(first_token_s(self._model, kind, self._service, tokens, route)[0] for route in routes)

    def _offers(self, targets: tuple[str, ...]) -> dict[str, PoolOffer]:
        """Return by pool what it can do for groups of some pools; pools that can do nothing are left out."""
        fleet, offers = self._fleet, dict[str, PoolOffer]()
        for pool, kinds in self._kinds.items():
            routes = self.routes(pool, targets)
            timely = [kind for kind in kinds if routes and self._alone_s(kind, routes) <= self._service.longest_alone_s]
            if not timely:
                continue
            timely.sort(key=lambda kind: -kind.prompts_per_s / kind.shape.num_devices)
            load = self._service.max_prefill_load
            best = max(load * kind.prompts_per_s / kind.shape.num_devices for kind in timely)
            usd_per_s = known_usd_per_hour(fleet, fleet.pool(pool)) / SECONDS_PER_HOUR
            offers[pool] = PoolOffer(tuple(timely), usd_per_s / best, best)
        return offers

    def _choices(self, targets: tuple[str, ...]) -> Choices:
        """Return every number of groups of every kind that fits the inventory, and some of two pools at once."""
        alone: dict[str, list[tuple[PrefillKind, int, float]]] = {}
        for pool, offer in self.offers(targets).items():
            routes = self.routes(pool, targets) or []
            inventory = self._fleet.pool(pool)
            rows: list[tuple[PrefillKind, int, float]] = []
            for kind in _by_size(offer.kinds):
                most = most_groups(inventory, kind.shape)
                loads = self._loads(kind, routes, most)
                rows += [
                    (kind, groups, self._rate(kind, groups, loads[groups - 1], routes)) for groups in range(1, most + 1)
                ]
            alone[pool] = _rising(rows)
        mixed: list[tuple[tuple[PrefillKind, int], ...]] = [
            ((kind, groups),) for rows in alone.values() for kind, groups, _ in rows
        ]
        rates = [rate for rows in alone.values() for _, _, rate in rows]
        for first, second in _pairs(alone):
            mixed.append(((first[0], first[1]), (second[0], second[1])))
            rates.append(first[2] + second[2])
        return self._table(mixed, rates)

    def _table(self, chosen: list[tuple[tuple[PrefillKind, int], ...]], rates: list[float]) -> Choices:
        pools = [pool.name for pool in self._fleet.pools]
        sizes = {pool: np.ones(len(chosen), dtype=np.int64) for pool in pools}
        blocks = {pool: np.zeros(len(chosen), dtype=np.int64) for pool in pools}
        for index, groups in enumerate(chosen):
            for kind, number in groups:
                pool = kind.shape.pool
                size, per_group = block_of(self._fleet.pool(pool), kind.shape)
                sizes[pool][index], blocks[pool][index] = size, number * per_group
        return Choices(tuple(chosen), np.array(rates), sizes, blocks)

    def _rate(self, kind: PrefillKind, groups: int, load: float, routes: list[Route]) -> float:
        """Return the prompts a number of groups serves: in time, and no more than its ports send."""
        sent = sent_per_s(self._model, self._scenario.workload.input_tokens, routes)
        return min(load * groups * kind.prompts_per_s, groups * kind.shape.num_devices * sent)

    def _loads(self, kind: PrefillKind, routes: list[Route], most: int) -> Array:
        """Return the load at which first tokens still come in time, for 1, 2, ... groups: more groups allow more."""
        alone, service = self._alone_s(kind, routes), self._service
        loads = np.empty(most)
        for groups in range(1, most + 1):
            is_step = groups & (groups - 1) == 0 or groups <= 8  # between powers of two: that of the fewer groups
            loads[groups - 1] = _greatest_load(kind, groups, alone, service) if is_step else loads[groups - 2]
            if loads[groups - 1] == service.max_prefill_load:
                loads[groups - 1 :] = service.max_prefill_load
                break
        return loads


def _greatest_load(kind: PrefillKind, groups: int, alone_s: float, service: Service) -> float:
    """Return the greatest load, within what the service allows, at which groups sharing a queue are in time."""
    if _in_time(kind, groups, alone_s, service, service.max_prefill_load):
        return service.max_prefill_load
    low, high = 0.0, service.max_prefill_load
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _in_time(kind, groups, alone_s, service, middle) else (low, middle)
    return low


def _in_time(kind: PrefillKind, groups: int, alone_s: float, service: Service, load: float) -> bool:
    if service.longest_alone_s == math.inf:
        return True
    wait = queue_wait(groups * kind.slots, load * groups * kind.prompts_per_s, kind.prompt_s)
    return service.is_in_time(alone_s + wait.mean_s, alone_s + wait.p99_s)


def _by_size(kinds: tuple[PrefillKind, ...]) -> list[PrefillKind]:
    """Return the kinds that plans choose from: the fastest per device, then the fastest of every smaller size."""
    chosen: list[PrefillKind] = []
    for kind in kinds:
        smallest = min((one.shape.num_devices for one in chosen), default=np.inf)
        if kind.shape.num_devices < smallest or len(chosen) < MOST_KINDS // 2:
            chosen.append(kind)
    return chosen[:MOST_KINDS]


def _rising(rows: list[tuple[PrefillKind, int, float]]) -> list[tuple[PrefillKind, int, float]]:
    """Return rows that no other matches in rate with as few devices in blocks as small."""
    kept: list[tuple[PrefillKind, int, float]] = []
    for row in sorted(rows, key=lambda row: (row[0].shape.num_devices * row[1], -row[2], row[0].shape.num_devices)):
        beaten = any(other[2] >= row[2] and other[0].shape.num_devices <= row[0].shape.num_devices for other in kept)
        if row[2] > 0.0 and not beaten:
            kept.append(row)
    return kept


def _pairs(
    alone: dict[str, list[tuple[PrefillKind, int, float]]],
) -> list[tuple[tuple[PrefillKind, int, float], tuple[PrefillKind, int, float]]]:
    """Return pairs of choices of two pools: a few numbers of each, spread over the inventory."""
    pools, pairs = list(alone), []
    for index, first in enumerate(pools):
        for second in pools[index + 1 :]:
            pairs += [(one, other) for one in _spread(alone[first]) for other in _spread(alone[second])]
    return pairs


def _spread(rows: list[tuple[PrefillKind, int, float]]) -> list[tuple[PrefillKind, int, float]]:
    """Return some rows, evenly spread."""
    return [rows[at] for at in sorted(set(np.linspace(0, len(rows) - 1, MIXED).astype(int).tolist()))] if rows else []
