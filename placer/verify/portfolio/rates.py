"""Check `rates`: every service is served, one way, as much and as fast as asked."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.plan import Plan
from placer.plan.portfolio import ModelMode
from placer.scenario.portfolio import Residency, ServedModel
from placer.verify.finding import Finding
from placer.verify.portfolio.context import PortfolioContext, differs, finding
from placer.verify.portfolio.first_tokens import resident_ttft_s

NAME = "rates"
WHAT = (
    "every service is resident or has one turn, as it allows; its replicas make what is asked, at its speed, and first "
    "tokens are those of the requests they get"
)


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
    capacity = sum(_capacity(plan) for plan in plans)
    slowest = min(1.0 / each.step_time_s for each in figures)
    exact = {
        "demand_tokens_per_s": traffic.tokens_per_s,
        "requests_per_s": traffic.requests_per_s,
        "capacity_tokens_per_s": capacity if mode is ModelMode.RESIDENT else traffic.tokens_per_s,
        "tokens_per_s_per_user": slowest,
    }
    if mode is ModelMode.RESIDENT:
        yield from _check_shares(context, service, capacity)
        exact["ttft_s"] = max(each.ttft_s for each in context.portfolio.deployments if each.model == service.name)
    for field, value in exact.items():
        if differs(getattr(answer, field), value):
            where = f"models[{service.name}].{field}"
            yield finding(NAME, where, "does not follow from its plans", value, getattr(answer, field))
    asked = traffic.planned_tokens_per_s(context.scenario.phase)
    if mode is ModelMode.RESIDENT and capacity < asked * (1 - 1e-9):
        yield finding(NAME, f"models[{service.name}]", "replicas make less than is asked", asked, capacity)
    if slowest < (service.tokens_per_s_per_user or 0.0) * (1 - 1e-9):
        yield finding(NAME, f"models[{service.name}]", "too slow", service.tokens_per_s_per_user, slowest)


def _capacity(plan: Plan) -> float:
    """Return the output tokens per second a plan can make; with groups that prefill, as far as these keep up."""
    assert plan.metrics is not None
    if plan.phases is None or plan.phases.colocated is not None:
        return plan.metrics.users / plan.metrics.step_time_s
    prompts_per_s = sum(pool.prompts_per_s for pool in plan.phases.prefill)
    decoded = plan.metrics.users / plan.phases.decode.metrics.step_time_s
    return min(decoded, prompts_per_s * plan.scenario.workload.output_tokens)


def _check_shares(context: PortfolioContext, service: ServedModel, capacity: float) -> Iterator[Finding]:
    """Yield requests that do not go where there is capacity, and first tokens that are not those of these requests."""
    traffic = context.traffic[service.name]
    for index, each in enumerate(context.portfolio.deployments):
        if each.model != service.name:
            continue
        requests = traffic.requests_per_s * _capacity(each.plan) / capacity
        exact = {"requests_per_s": requests, "ttft_s": resident_ttft_s(each.plan, service, requests)}
        for field, value in exact.items():
            if differs(getattr(each, field), value):
                where = f"deployments[{index}].{field}"
                yield finding(NAME, where, "does not follow from its plan", value, getattr(each, field))
