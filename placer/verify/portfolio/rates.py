"""Check `rates`: every service is served, one way, as much and as fast as asked."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.portfolio import ModelMode
from placer.scenario.portfolio import Residency, ServedModel
from placer.verify.finding import Finding
from placer.verify.portfolio.context import PortfolioContext, differs, finding, ttft_of

NAME = "rates"
WHAT = "every service is resident or has one turn, as it allows; its replicas make what is asked, at its speed"


def check_rates(context: PortfolioContext) -> Iterator[Finding]:
    """Yield services that get too little, and figures that do not follow from their plans."""
    for service in context.scenario.models:
        turns = [slot for slot in context.portfolio.slots for member in slot.members if member.model == service.name]
        own = [each.plan for each in context.portfolio.deployments if each.model == service.name]
        where = f"models[{service.name}]"
        if len(turns) + bool(own) != 1:
            yield finding(NAME, where, "neither resident nor in exactly one slot")
            continue
        mode = ModelMode.COLD if turns else ModelMode.RESIDENT
        if service.residency not in {Residency.EITHER, Residency(mode.value)}:
            yield finding(NAME, where, "may not be served this way", service.residency, mode)
        if mode is not context.answer(service.name).mode:
            yield finding(NAME, f"{where}.mode", "not how it is served", mode, context.answer(service.name).mode)
        yield from _check_figures(context, service, mode)


def _check_figures(context: PortfolioContext, service: ServedModel, mode: ModelMode) -> Iterator[Finding]:
    answer, traffic = context.answer(service.name), context.traffic[service.name]
    plans = [plan for _, model, plan in context.plans if model == service.name]
    figures = [plan.metrics for plan in plans if plan.metrics is not None]
    capacity = sum(each.users / each.step_time_s for each in figures)
    slowest = min(1.0 / each.step_time_s for each in figures)
    exact = {
        "demand_tokens_per_s": traffic.tokens_per_s,
        "requests_per_s": traffic.requests_per_s,
        "capacity_tokens_per_s": capacity if mode is ModelMode.RESIDENT else traffic.tokens_per_s,
        "tokens_per_s_per_user": slowest,
        "ttft_s": max(ttft_of(plan, service) for plan in plans),
    }
    for field, value in exact.items():
        if differs(getattr(answer, field), value):
            where = f"models[{service.name}].{field}"
            yield finding(NAME, where, "does not follow from its plans", value, getattr(answer, field))
    if mode is ModelMode.RESIDENT and capacity < traffic.tokens_per_s * (1 - 1e-9):
        where = f"models[{service.name}]"
        yield finding(NAME, where, "replicas make less than is asked", traffic.tokens_per_s, capacity)
    if slowest < (service.tokens_per_s_per_user or 0.0) * (1 - 1e-9):
        yield finding(NAME, f"models[{service.name}]", "too slow", service.tokens_per_s_per_user, slowest)
