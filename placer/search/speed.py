"""Step time as an objective: how fast a user can be served at all."""

from __future__ import annotations

import numpy as np

from placer.cost.group import Array
from placer.cost.money import Rental
from placer.cost.shape import GroupShape
from placer.scenario.scenario import Scenario
from placer.search.value import Footprint, Shapes, Valuation


class Speed:
    """Values plans by their step time in seconds; what can be rented is left to prices, fleet targets out."""

    def __init__(self, scenario: Scenario, beside: GroupShape | None = None) -> None:
        alone = scenario.target.model_copy(update={"tokens_per_s": None})
        self._prices = Valuation(scenario.model_copy(update={"target": alone}), beside)

    def best(self, shapes: Shapes, tokens: float, step_s: float) -> tuple[float, Rental] | None:
        """Return the step time and the smallest fleet that reaches it."""
        best = self._prices.best(shapes, tokens, step_s)
        return None if best is None else (step_s, best[1])

    def longest_step_s(self, shapes: Shapes, tokens: float, price: float) -> float:
        """Return the value itself."""
        del tokens
        return price if self._prices.most_replicas(shapes) else 0.0

    def floor(self, footprint: Footprint, token_time_s: Array, step_s: Array, most_replicas: Array) -> Array:
        """Return the step time where anything can be rented."""
        del token_time_s
        return np.where(np.isfinite(footprint.usd_per_hour) & (most_replicas > 0), step_s, np.inf)

    def longest_step_at(self, footprint: Footprint, tokens: Array, price: float) -> Array:
        """Return infinity: a step longer than the best may still shrink with the batch."""
        del tokens, price
        return np.full_like(footprint.usd_per_hour, np.inf)
