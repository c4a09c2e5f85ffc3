"""Dollars per token of decoding groups together with the prefill they need: the objective of a disaggregated plan.

The price is that of everything rented over the output tokens served. A plan serves the lesser of what its replicas
decode and what its prefill groups compute in time. Bounds take prefill in fractions, at the best rate per dollar and
per device that any kind reaches, and devices without whole units: they hold for any mixture of kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from placer.catalog.fleet import Pool
from placer.cost.group import Array
from placer.cost.money import (
    SECONDS_PER_HOUR,
    TOKENS_PER_MILLION,
    Integers,
    Rental,
    block_of,
    known_usd_per_hour,
    shared_devices,
)
from placer.cost.shape import GroupShape
from placer.scenario.scenario import Scenario
from placer.search.service.capacity import Choices, PoolOffer, Prefill
from placer.search.value import NUM_CAPS, SHORTEST_STEP_S, TOLERANCE, Footprint, Shapes, Valuation


@dataclass(frozen=True)
class _Table:
    """Rents of every number of replicas (rows) with every choice of prefill groups (columns)."""

    replicas: Integers
    choices: Choices
    usd_per_hour: Array
    power_w: Array
    devices: dict[str, Integers]


class ServiceValuation:
    """Prices plans of a scenario, prefill on devices of its own included.

    Parameters
    ----------
    scenario
        In steps of a sequence, where tokens are drafted (`placer.cost.step_load.in_steps`).
    prefill
        What prefills.
    gained
        Tokens a sequence gains in a step.
    """

    def __init__(self, scenario: Scenario, prefill: Prefill, gained: float = 1.0) -> None:
        self._scenario, self._fleet, self._target = scenario, scenario.fleet, scenario.target
        self._prefill, self._alone = prefill, Valuation(scenario)
        self._output_steps = scenario.workload.output_tokens / gained
        self._utilisation = scenario.workload.utilisation
        self._tables = lru_cache(maxsize=128)(self._build_table)
        self._least = lru_cache(maxsize=256)(self._least_prefill)

    def _usd(self, pool: str) -> float:
        return known_usd_per_hour(self._fleet, self._fleet.pool(pool))

    def _offers(self, pools: tuple[str, ...]) -> dict[str, PoolOffer]:
        return self._prefill.offers(pools)

    def _least_prefill(self, pools: tuple[str, ...]) -> float:
        """Return the least that prefill adds to the price of output tokens [USD per million]; inf without any."""
        offers = self._offers(pools).values()
        least = min((offer.usd_per_prompt for offer in offers), default=np.inf)
        return least / self._output_steps / self._utilisation * TOKENS_PER_MILLION

    def _build_table(self, blocks: tuple[tuple[str, int, int], ...]) -> _Table | None:
        shapes = tuple(GroupShape(pool, stages, width, 1, 1) for pool, stages, width in blocks)
        most = self._alone.most_replicas(shapes)
        choices = self._prefill.choices(tuple(shape.pool for shape in shapes))
        if not most or not len(choices.prompts_per_s):
            return None
        replicas = np.arange(1, most + 1, dtype=np.int64)
        devices = {pool.name: self._rented(pool, shapes, replicas, choices) for pool in self._fleet.pools}
        usd_per_hour, power_w, fits = np.zeros(()), np.zeros(()), np.ones((), dtype=bool)
        for pool in self._fleet.pools:
            rented = devices[pool.name]
            usd_per_hour = usd_per_hour + rented * self._usd(pool.name)
            power_w = power_w + rented * self._fleet.power_w(pool.name)
            fits = fits & (rented <= pool.count)
        for cap, used in ((self._target.cost_cap, usd_per_hour), (self._target.power_cap, power_w)):
            fits = fits & (True if cap is None else used <= cap)
        return _Table(replicas, choices, np.where(fits, usd_per_hour, np.inf), power_w, devices)

    def _rented(self, pool: Pool, shapes: Shapes, replicas: Integers, choices: Choices) -> Integers:
        """Return the devices rented of a pool, shape (num_replicas, num_choices)."""
        shape = next((shape for shape in shapes if shape.pool == pool.name), None)
        size, per_group = block_of(pool, shape) if shape else (pool.domain, 0)
        count = (replicas * per_group)[:, None]
        return shared_devices(pool, (size, count), choices.sizes[pool.name], choices.blocks[pool.name])

    def best(self, shapes: Shapes, tokens: float, step_s: float) -> tuple[float, Rental] | None:
        """Return the lowest price of output tokens and what is rented for it; see `Valuation.best`.

        Among equal prices the smallest fleet.
        """
        table = self._tables(tuple((shape.pool, shape.stages, shape.width) for shape in shapes))
        if table is None:
            return None
        decoded = table.replicas[:, None] * (tokens / max(step_s, SHORTEST_STEP_S))
        sold = np.minimum(decoded, table.choices.prompts_per_s * self._output_steps)
        rate = self._target.tokens_per_s
        price = table.usd_per_hour / sold
        if rate is not None:
            price = np.where(sold >= rate * (1.0 - TOLERANCE), table.usd_per_hour / rate, np.inf)
        least = float(price.min())
        if not np.isfinite(least):
            return None
        near = np.argwhere(price <= least * (1.0 + TOLERANCE))
        row, column = min(near.tolist(), key=lambda at: (table.usd_per_hour[at[0], at[1]], at))
        scale = TOKENS_PER_MILLION / SECONDS_PER_HOUR / self._utilisation
        devices = {name: int(rented[row, column]) for name, rented in table.devices.items() if rented[row, column]}
        rental = Rental(
            int(table.replicas[row]),
            devices,
            float(table.usd_per_hour[row, column]),
            float(table.power_w[row, column]),
            table.choices.groups[column],
            float(sold[row, column]) / self._output_steps,
        )
        return least * scale, rental

    def longest_step_s(self, shapes: Shapes, tokens: float, price: float) -> float:
        """Return the longest step at which groups, with whole numbers of prefill groups, cost no more than a price [s].

        Of every number of replicas with every choice of prefill: what it costs over what prefill serves must be within
        the price, and what is decoded is then so much that the rent is.
        """
        table = self._tables(tuple((shape.pool, shape.stages, shape.width) for shape in shapes))
        if table is None:
            return 0.0
        usd_per_step = price * self._utilisation / TOKENS_PER_MILLION * SECONDS_PER_HOUR
        served, rate = table.choices.prompts_per_s * self._output_steps, self._target.tokens_per_s
        if rate is None:
            affordable = table.usd_per_hour <= usd_per_step * served * (1.0 + TOLERANCE)
            with np.errstate(invalid="ignore"):
                longest = usd_per_step * table.replicas[:, None] * tokens / table.usd_per_hour
        else:
            enough = served >= rate * (1.0 - TOLERANCE)
            affordable = enough & (table.usd_per_hour <= usd_per_step * rate * (1.0 + TOLERANCE))
            longest = np.broadcast_to(table.replicas[:, None] * tokens / rate, affordable.shape)
        return float(longest[affordable & np.isfinite(table.usd_per_hour)].max(initial=0.0)) * (1.0 + TOLERANCE)

    def lowest_usd_per_hour(self, shapes: Shapes) -> float:
        """Return what groups cost per replica where units are shared; inf if none can be rented."""
        if not self._alone.most_replicas(shapes):
            return np.inf
        return sum(shape.num_devices * self._usd(shape.pool) for shape in shapes)

    def least_usd_per_hour_by_cap(self, shapes: Shapes) -> Array:
        """Return the same for every cap on replicas, shape (NUM_CAPS,)."""
        return np.full(NUM_CAPS, self.lowest_usd_per_hour(shapes))

    def most_replicas(self, shapes: Shapes) -> int:
        """Return how many replicas inventory and caps allow, prefill left out."""
        return self._alone.most_replicas(shapes)

    def floor(self, footprint: Footprint, token_time_s: Array, step_s: Array, most_replicas: Array) -> Array:
        """Return lower bounds on the price, US dollars per million tokens.

        One replica leaves so many devices to prefill: what those compute bounds what is served. More replicas leave
        fewer, so that the bound for one holds for any number.
        """
        decode = self._alone.floor(footprint, token_time_s, step_s, most_replicas)
        offers = self._offers(footprint.pools)
        left = np.zeros_like(token_time_s)
        for pool, offer in offers.items():
            taken = np.zeros_like(token_time_s)
            for used, usd_per_hour in zip(footprint.pools, footprint.by_group, strict=True):
                if used == pool:
                    taken = usd_per_hour / self._usd(pool)
            free = np.maximum(self._fleet.pool(pool).count - taken * (1.0 - 1e-9), 0.0)
            left += free * offer.prompts_per_s_per_device
        with np.errstate(divide="ignore"):
            served = np.where(left > 0.0, 1.0 / (np.maximum(left, 1e-300) * self._output_steps), np.inf)
        scale = TOKENS_PER_MILLION / SECONDS_PER_HOUR / self._utilisation
        decode = np.maximum(decode, footprint.usd_per_hour * served * scale)
        return np.maximum(decode + self._least(footprint.pools), self._one_unit(footprint.pools) * scale)

    def _one_unit(self, pools: tuple[str, ...]) -> float:
        """Return the rent of a unit of every pool over what the fleet must serve: nobody rents less [USD/h per 1/s]."""
        rate = self._target.tokens_per_s
        if rate is None:
            return 0.0
        return sum(self._usd(name) * self._fleet.pool(name).unit for name in pools) / rate

    def longest_step_at(self, footprint: Footprint, tokens: Array, price: float) -> Array:
        """Return steps beyond which replicas of such cost are worse than a price in any case [s]."""
        left = max(0.0, price - self._least(footprint.pools))
        return self._alone.longest_step_at(footprint, tokens, left)
