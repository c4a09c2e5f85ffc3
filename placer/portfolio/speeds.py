"""Speeds a service is planned at: its target, or a grid where agents decide."""

from __future__ import annotations

from placer.portfolio.chains import longest_output
from placer.scenario.portfolio import PortfolioScenario, ServedModel


def speeds_of(scenario: PortfolioScenario, service: ServedModel) -> tuple[float, ...]:
    """Return the speeds to try, slowest first [tokens/s per user].

    Below the first one of a grid some agent is late even if everything but this service's decoding took no time.
    """
    if service.tokens_per_s_per_user is not None:
        return (service.tokens_per_s_per_user,)
    if service.speeds:
        return tuple(sorted(set(service.speeds)))
    grid = scenario.speed_grid
    least = max(longest_output(agent, service.name) / agent.end_to_end for agent in scenario.agents)
    return tuple(least * grid.ratio**step for step in range(grid.steps))
