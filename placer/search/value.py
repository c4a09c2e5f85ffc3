"""Dollars per token of given groups, at a step time and a batch: the objective of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from placer.cost.group import Array
from placer.cost.money import (
    SECONDS_PER_HOUR,
    TOKENS_PER_MILLION,
    Rental,
    RentalTable,
    rental_table,
    usd_per_million_tokens,
)
from placer.cost.shape import GroupShape
from placer.scenario.scenario import Scenario

#: Relative slack in comparisons of rates and prices, far above float error and far below any gap of interest.
TOLERANCE = 1e-12
#: Steps are never shorter than what integers can tell [s].
SHORTEST_STEP_S = 1e-12

#: Caps on the number of replicas that prices are remembered for: 1, 2, 4, ... up to a million.
NUM_CAPS = 21

Shapes = tuple[GroupShape, ...]


@dataclass(frozen=True)
class Footprint:
    """What a replica costs at least, for each of many sets of candidates.

    Attributes
    ----------
    pools
        Pools of its groups.
    by_group : tuple of ndarray
        US dollars per hour of every group.
    """

    pools: tuple[str, ...]
    by_group: tuple[Array, ...]

    @property
    def usd_per_hour(self) -> Array:
        """Price of all groups."""
        return self.by_group[0] if len(self.by_group) == 1 else self.by_group[0] + self.by_group[1]


class Objective(Protocol):
    """What a search makes small; see `Valuation` for the meaning of the arguments."""

    def best(self, shapes: Shapes, tokens: float, step_s: float) -> tuple[float, Rental] | None:
        """Return the value of a plan and what is rented for it, or None if it cannot be rented."""

    def longest_step_s(self, shapes: Shapes, tokens: float, price: float) -> float:
        """Return the longest step at which a plan is still no worse than ``price``."""

    def floor(self, footprint: Footprint, token_time_s: Array, step_s: Array, most_replicas: Array) -> Array:
        """Return lower bounds on the value of sets of plans."""

    def longest_step_at(self, footprint: Footprint, tokens: Array, price: float) -> Array:
        """Return steps beyond which replicas of such cost are worse than ``price`` in any case."""


class Pricing(Objective, Protocol):
    """An objective in US dollars: it also knows what groups cost by themselves."""

    def lowest_usd_per_hour(self, shapes: Shapes) -> float:
        """Return the least that groups cost per replica, over all numbers of replicas; inf if none can be rented."""

    def least_usd_per_hour_by_cap(self, shapes: Shapes) -> Array:
        """Return the least that groups cost per replica with at most 1, 2, 4, ... replicas, shape (NUM_CAPS,)."""

    def most_replicas(self, shapes: Shapes) -> int:
        """Return how many replicas inventory and caps allow."""


class Valuation:
    """Prices plans of a scenario; remembers the rental tables of groups.

    Parameters
    ----------
    scenario
        Fleet, target, utilisation.
    beside
        Devices that draft for every replica, rented with its groups.
    """

    def __init__(self, scenario: Scenario, beside: GroupShape | None = None) -> None:
        self._beside = () if beside is None else (beside,)
        self._fleet, self._target = scenario.fleet, scenario.target
        self._utilisation = scenario.workload.utilisation
        self._tables = lru_cache(maxsize=100_000)(self._build_table)

    def _build_table(self, blocks: tuple[tuple[str, int, int], ...]) -> RentalTable:
        shapes = tuple(GroupShape(pool, stages, width, 1, 1) for pool, stages, width in blocks)
        return rental_table(self._fleet, shapes).within(self._target.cost_cap, self._target.power_cap)

    def _table(self, shapes: Shapes) -> RentalTable:
        return self._tables(tuple((shape.pool, shape.stages, shape.width) for shape in (*shapes, *self._beside)))

    def best(self, shapes: Shapes, tokens: float, step_s: float) -> tuple[float, Rental] | None:
        """Return the lowest price and what is rented for it.

        Parameters
        ----------
        shapes
            Groups of one replica.
        tokens, step_s
            What one replica produces in a step at full load, and how long the step takes.

        Returns
        -------
        tuple of float and Rental, or None
            US dollars per million tokens; None if inventory or caps allow no such plan. Among equal prices the
            smallest fleet. With a fleet target, surplus tokens are worth nothing.
        """
        table, rate = self._table(shapes), self._target.tokens_per_s
        sold = table.replicas * (tokens / max(step_s, SHORTEST_STEP_S))
        allowed = np.ones(len(sold), dtype=bool)
        if rate is not None:
            allowed = sold >= rate * (1.0 - TOLERANCE)
            sold = np.full_like(sold, rate)
        if not allowed.any():
            return None
        price = np.where(allowed, table.usd_per_hour / sold, np.inf)
        index = int(np.argmax(price <= price.min() * (1.0 + TOLERANCE)))
        rental = table.rental(index)
        return usd_per_million_tokens(rental.usd_per_hour, float(sold[index]) * self._utilisation), rental

    def longest_step_s(self, shapes: Shapes, tokens: float, price: float) -> float:
        """Return the longest step at which groups still sell for no more than a price [s].

        Parameters
        ----------
        shapes
            Groups of one replica.
        tokens
            What the replica produces in a step.
        price
            US dollars per million tokens; may be infinite.
        """
        table, rate = self._table(shapes), self._target.tokens_per_s
        if not len(table.replicas):
            return 0.0
        usd_per_token = price * self._utilisation / TOKENS_PER_MILLION
        if rate is None:
            return usd_per_token * SECONDS_PER_HOUR * tokens / self.lowest_usd_per_hour(shapes)
        affordable = table.replicas[table.usd_per_hour <= usd_per_token * SECONDS_PER_HOUR * rate]
        return float(affordable.max(initial=0)) * tokens / rate

    def lowest_usd_per_hour(self, shapes: Shapes) -> float:
        """Return the least that groups cost per replica, over all numbers of replicas; inf if none can be rented."""
        table = self._table(shapes)
        return float((table.usd_per_hour / table.replicas).min()) if len(table.replicas) else np.inf

    def least_usd_per_hour_by_cap(self, shapes: Shapes) -> Array:
        """Return the least that groups cost per replica with at most 1, 2, 4, ... replicas, shape (NUM_CAPS,)."""
        table = self._table(shapes)
        least = np.full(NUM_CAPS, np.inf)
        if len(table.replicas):
            running = np.minimum.accumulate(table.usd_per_hour / table.replicas)
            last = np.searchsorted(table.replicas, 2.0 ** np.arange(NUM_CAPS), side="right") - 1
            least = np.where(last >= 0, running[np.maximum(last, 0)], np.inf)
        return least

    def most_replicas(self, shapes: Shapes) -> int:
        """Return how many replicas inventory and caps allow."""
        return int(self._table(shapes).replicas.max(initial=0))

    def floor(self, footprint: Footprint, token_time_s: Array, step_s: Array, most_replicas: Array) -> Array:
        """Return lower bounds on the price of replicas, US dollars per million tokens.

        Parameters
        ----------
        footprint
            Lower bounds on the price of one replica.
        token_time_s, step_s : ndarray
            Lower bounds on its step time per token ``T' / (m b)``, and on the step time.
        most_replicas : ndarray
            Upper bounds on their number.
        """
        del step_s
        rate = self._target.tokens_per_s
        least = token_time_s
        if rate is not None:
            least = np.maximum(token_time_s, 1.0 / rate)
            least = np.where(token_time_s * rate > most_replicas * (1.0 + 1e-9), np.inf, least)
        return footprint.usd_per_hour * least * (TOKENS_PER_MILLION / SECONDS_PER_HOUR / self._utilisation)

    def longest_step_at(self, footprint: Footprint, tokens: Array, price: float) -> Array:
        """Return the longest step at which replicas sell for no more than a price [s]; fleet target left out.

        Parameters
        ----------
        footprint
            Least price of a replica.
        tokens : ndarray
            What it produces in a step.
        price
            US dollars per million tokens.
        """
        return tokens * (price * self._utilisation * SECONDS_PER_HOUR / TOKENS_PER_MILLION) / footprint.usd_per_hour
