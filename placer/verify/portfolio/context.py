"""What a portfolio's checks go by: demands, plans and devices, derived from the document alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from placer.plan.plan import Plan
from placer.plan.portfolio import ModelAnswer, Portfolio
from placer.scenario.portfolio import Phase, PortfolioScenario, ServedModel
from placer.verify.finding import Finding


@dataclass(frozen=True)
class Traffic:
    """What a service is asked: tokens and requests per second, groups of requests, longest input and output."""

    tokens_per_s: float
    requests_per_s: float
    groups: tuple[tuple[float, int], ...]
    input_tokens: int
    output_tokens: int

    def planned_tokens_per_s(self, phase: Phase) -> float:
        """Return what plans must make: with prefill every request counts as the longest."""
        return self.tokens_per_s if phase is Phase.DECODE else self.requests_per_s * self.output_tokens


@dataclass(frozen=True)
class Held:
    """A run of devices that one replica, or one slot, has to itself."""

    owner: str
    pool: str
    first: int
    size: int


@dataclass(frozen=True)
class PortfolioContext:
    """A planned portfolio and what follows from it."""

    portfolio: Portfolio

    @property
    def scenario(self) -> PortfolioScenario:
        """The question."""
        return self.portfolio.scenario

    @cached_property
    def traffic(self) -> dict[str, Traffic]:
        """By service, what it is asked."""
        return {service.name: self._traffic(service) for service in self.scenario.models}

    def _traffic(self, service: ServedModel) -> Traffic:
        groups, tokens = [], 0.0
        inputs, outputs = [service.isl or 0], [service.osl or 0]
        own = service.requests_per_s or 0.0
        if service.tokens_per_s is not None and service.osl:
            own = service.tokens_per_s / service.osl
        if own and service.osl:
            groups.append((own, 1))
            tokens += own * service.osl
        for agent in self.scenario.agents:
            for call in agent.calls:
                if call.model == service.name:
                    groups.append((agent.requests_per_s, call.count))
                    tokens += agent.requests_per_s * call.count * call.osl
                    inputs.append(call.isl)
                    outputs.append(call.osl)
        requests = sum(rate * size for rate, size in groups)
        return Traffic(tokens, requests, tuple(groups), max(inputs), max(outputs))

    @cached_property
    def plans(self) -> tuple[tuple[str, str, Plan], ...]:
        """Place in the document, service and plan of everything that serves."""
        own = [(f"deployments[{i}]", each.model, each.plan) for i, each in enumerate(self.portfolio.deployments)]
        turns = [
            (f"slots[{i}].members[{j}]", member.model, member.plan)
            for i, slot in enumerate(self.portfolio.slots)
            for j, member in enumerate(slot.members)
        ]
        return (*own, *turns)

    def answer(self, model: str) -> ModelAnswer:
        """Return what is said of a service."""
        return next(each for each in self.portfolio.models if each.model == model)

    def held(self) -> Iterator[Held]:
        """Yield every run of devices in use."""
        for index, deployment in enumerate(self.portfolio.deployments):
            yield from runs_of(f"deployments[{index}]", deployment.plan)
        for index, slot in enumerate(self.portfolio.slots):
            yield Held(f"slots[{index}]", slot.pool, slot.first_device, slot.devices)


def runs_of(owner: str, plan: Plan) -> Iterator[Held]:
    """Yield the runs of devices of a plan's replicas, and of the groups that prefill for them, stage by stage."""
    assert plan.placement is not None
    groups = {group.role: group for group in plan.groups}
    for number, replica in enumerate(plan.placement.replicas):
        for role, starts in replica.first_device.items():
            for first in starts:
                yield Held(f"{owner}.replicas[{number}].{role}", groups[role].pool, first, groups[role].width)
    for pool in plan.phases.prefill if plan.phases is not None else ():
        for number, starts in enumerate(pool.first_devices):
            for first in starts:
                yield Held(f"{owner}.prefill[{pool.pool}][{number}]", pool.pool, first, pool.width)


def finding(check: str, where: str, message: str, expected: object = None, found: object = None) -> Finding:
    """Return a finding with its values as text."""
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check=check, where=where, message=message, expected=texts[0], found=texts[1])


def differs(found: float, exact: float) -> bool:
    """Return whether a figure is more than float noise away from the one derived anew; NaN and infinity always are."""
    return not math.isfinite(exact) or not abs(found - exact) <= 1e-9 + 1e-6 * abs(exact)
