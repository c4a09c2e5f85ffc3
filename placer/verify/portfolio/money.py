"""Checks `shares` and `bound`: who pays what, and what is claimed to be proven."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from placer.scenario.portfolio import Phase
from placer.verify.finding import Finding
from placer.verify.portfolio.context import PortfolioContext, differs, finding
from placer.verify.recompute.rates import device_usd_per_hour

SHARES = "shares"
SHARES_WHAT = "rent is shared by device time used, shares sum to the rent, prices follow from shares"
BOUND = "bound"
BOUND_WHAT = "bound <= rent, the gap is theirs, verdict and bounds of models agree; the bound is not re-proved"


def check_shares(context: PortfolioContext) -> Iterator[Finding]:
    """Yield shares that do not follow from use, or do not sum to the rent, and prices that are not theirs."""
    exact = _shares(context)
    total = math.fsum(each.usd_per_hour for each in context.portfolio.models)
    rent = context.portfolio.usd_per_hour
    if rent is None or differs(total, rent):
        yield finding(SHARES, "models", "shares do not sum to the rent", rent, total)
    for answer in context.portfolio.models:
        traffic, where = context.traffic[answer.model], f"models[{answer.model}]"
        share = exact[answer.model]
        figures = {
            "usd_per_hour": share,
            "usd_per_million_output_tokens": 1e6 * share / (3600 * traffic.tokens_per_s),
            "usd_per_request": share / (3600 * traffic.requests_per_s),
        }
        for field, value in figures.items():
            if differs(getattr(answer, field), value):
                yield finding(SHARES, f"{where}.{field}", "not by device time used", value, getattr(answer, field))
    for agent, said in zip(context.scenario.agents, context.portfolio.agents, strict=False):
        usd = sum(
            1e-6 * call.count * call.osl * context.answer(call.model).usd_per_million_output_tokens
            for call in agent.calls
        )
        if differs(said.usd_per_run, usd):
            yield finding(SHARES, f"agents[{agent.name}].usd_per_run", "not its tokens' price", usd, said.usd_per_run)


def _shares(context: PortfolioContext) -> dict[str, float]:
    """Return rent by service: of every pool's rent, device by device, the part of device time in use."""
    fleet, portfolio = context.scenario.fleet, context.portfolio
    time_used: dict[str, dict[str, float]] = {pool: {} for pool in portfolio.devices}
    for deployment in portfolio.deployments:
        for pool, count in deployment.devices.items():
            time_used[pool][deployment.model] = time_used[pool].get(deployment.model, 0.0) + count
    for slot in portfolio.slots:
        for member in slot.members:
            here = time_used[slot.pool]
            here[member.model] = here.get(member.model, 0.0) + member.load * slot.devices
    shares = {service.name: 0.0 for service in context.scenario.models}
    for pool, used in time_used.items():
        rent = portfolio.devices[pool] * device_usd_per_hour(fleet, pool)
        for model, amount in used.items():
            shares[model] += rent * amount / sum(used.values())
    return shares


def check_bound(context: PortfolioContext) -> Iterator[Finding]:
    """Yield contradictions between bound, rent, gap, verdict and the bounds of plans."""
    portfolio, bound = context.portfolio, context.portfolio.bound
    if bound is None or portfolio.usd_per_hour is None:
        yield finding(BOUND, "bound", "lacking")
        return
    gap = 1.0 - bound.usd_per_hour / portfolio.usd_per_hour
    if gap < -1e-9:
        yield finding(BOUND, "bound.usd_per_hour", "above the rent", portfolio.usd_per_hour, bound.usd_per_hour)
    elif bound.relative_gap is None or abs(bound.relative_gap - gap) > 1e-9:
        yield finding(BOUND, "bound.relative_gap", "not 1 - bound / rent", gap, bound.relative_gap)
    claimed = re.search(r"proven within ([0-9.]+) % of optimal", portfolio.verdict)
    most = float(claimed.group(1)) / 100 if claimed else 1e-6 if "proven optimal" in portfolio.verdict else 1.0
    if gap > most + 1e-9:
        yield finding(BOUND, "verdict", "claims to be closer to optimal", gap, most)
    least = math.fsum(
        3600e-6 * answer.demand_tokens_per_s * answer.bound_usd_per_million_output_tokens for answer in portfolio.models
    )
    if least > portfolio.usd_per_hour * (1 + 1e-6):
        yield finding(BOUND, "models", "their bounds exceed the rent", portfolio.usd_per_hour, least)
    yield from _check_model_bounds(context)


def _check_model_bounds(context: PortfolioContext) -> Iterator[Finding]:
    """Yield bounds of models that their plans undercut, and bounds per token and per request that disagree."""
    is_decode = context.scenario.phase is Phase.DECODE
    for where, model, plan in context.plans:
        answer, metrics = context.answer(model), plan.metrics
        if metrics is None:
            continue
        own, price = answer.bound_usd_per_million_output_tokens, metrics.usd_per_million_output_tokens
        if not is_decode:
            own, price = answer.bound_usd_per_request or 0.0, metrics.usd_per_request or 0.0
        if own > price * (1 + 1e-6):
            yield finding(BOUND, where, f"cheaper at full load than the bound of {model} allows", own, price)
    for answer in context.portfolio.models:
        traffic = context.traffic[answer.model]
        exact = None if is_decode else answer.bound_usd_per_million_output_tokens * 1e-6 * traffic.tokens_per_s
        said = answer.bound_usd_per_request
        if (said is None) is not is_decode or (
            exact is not None and said is not None and differs(said * traffic.requests_per_s, exact)
        ):
            where = f"models[{answer.model}].bound_usd_per_request"
            yield finding(BOUND, where, "not its bound per token", exact, said)
