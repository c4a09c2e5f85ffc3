"""What every service is asked: tokens, requests and how they arrive, those of agents included."""

from __future__ import annotations

from dataclasses import dataclass

from placer.scenario.portfolio import Phase, PortfolioScenario, ServedModel


@dataclass(frozen=True)
class Arrivals:
    """Requests that come ``size`` at a time, such groups at ``groups_per_s``."""

    groups_per_s: float
    size: int


@dataclass(frozen=True)
class Demand:
    """What one service is asked.

    Attributes
    ----------
    tokens_per_s, requests_per_s
        Output tokens and requests, of its own and of agents.
    planned_tokens_per_s
        What plans must make: where prefill is planned every request counts as the longest.
    arrivals
        How requests arrive.
    input_tokens, output_tokens
        Lengths its plans are made for: given, or those of the longest call.
    is_called
        Whether an agent calls it.
    """

    tokens_per_s: float
    requests_per_s: float
    planned_tokens_per_s: float
    arrivals: tuple[Arrivals, ...]
    input_tokens: int
    output_tokens: int
    is_called: bool


def demand_of(scenario: PortfolioScenario, service: ServedModel) -> Demand:
    """Return what a service is asked; a call of ``count`` requests arrives as a group."""
    own = service.own_requests_per_s
    calls = [(agent, call) for agent in scenario.agents for call in agent.calls if call.model == service.name]
    tokens = own * (service.osl or 0) + sum(agent.requests_per_s * call.count * call.osl for agent, call in calls)
    arrivals = [Arrivals(own, 1)] if own else []
    arrivals += [Arrivals(agent.requests_per_s, call.count) for agent, call in calls]
    requests = sum(each.groups_per_s * each.size for each in arrivals)
    output_tokens = service.osl or max(call.osl for _, call in calls)
    return Demand(
        tokens_per_s=tokens,
        requests_per_s=requests,
        planned_tokens_per_s=tokens if scenario.phase is Phase.DECODE else requests * output_tokens,
        arrivals=tuple(arrivals),
        input_tokens=service.isl or max(call.isl for _, call in calls),
        output_tokens=output_tokens,
        is_called=bool(calls),
    )
