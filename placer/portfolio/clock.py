"""Times and rates in whole numbers that a solver can multiply: nanoseconds and millionths of tokens, or coarser."""

from __future__ import annotations

import math
from dataclasses import dataclass

from placer.portfolio.demand import Demand
from placer.scenario.portfolio import PortfolioScenario

#: At most so many quanta in the longest time, times as many output tokens as a call may have, stay below 2^62.
_TIME_QUANTA, _RATE_QUANTA = 10**11, 10**12
_NS, _MILLIONTHS = 1e9, 1e6


@dataclass(frozen=True)
class Clock:
    """Quanta of time, of which no more than ``most`` matter: an agent that takes as many is late."""

    quanta_per_s: float
    most: int

    def up(self, time_s: float) -> int:
        """Return a time rounded up: no agent is in time for having been rounded."""
        return min(self.most, math.ceil(time_s * self.quanta_per_s))

    def down(self, time_s: float) -> int:
        """Return a time rounded down, for bounds and limits."""
        return min(self.most, math.floor(time_s * self.quanta_per_s))


def clock_of(scenario: PortfolioScenario) -> Clock:
    """Return nanoseconds where agents may take up to 100 s, longer quanta where they may take longer."""
    longest_s = max((agent.end_to_end for agent in scenario.agents), default=1.0)
    quanta_per_s = min(_NS, _TIME_QUANTA / longest_s)
    return Clock(quanta_per_s, math.floor(longest_s * quanta_per_s) + 1)


def rate_quanta(demands: tuple[Demand, ...]) -> float:
    """Return the whole numbers that make one token per second: a million, or fewer for very large demands."""
    return min(_MILLIONTHS, _RATE_QUANTA / max(demand.planned_tokens_per_s for demand in demands))
