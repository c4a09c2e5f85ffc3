"""What a person reads of a portfolio: the verdict, who has which devices and pays what, turns, agents."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.plan.portfolio import AgentAnswer, Deployment, ModelAnswer, Portfolio, Slot
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds


def render_portfolio(portfolio: Portfolio) -> Group:
    """Return the report of a portfolio, or of its refusal."""
    parts: list[RenderableType] = [Text(portfolio.verdict, style="bold"), ""]
    if portfolio.refusal is not None:
        parts += [Text(f"in conflict: {', '.join(portfolio.refusal.conflict)}"), Text(portfolio.refusal.reason)]
        parts += [Text(f"would work: {relief.text}") for relief in portfolio.refusal.nearest]
    if portfolio.models:
        parts += [_models_table(portfolio), ""]
    for slot in portfolio.slots:
        parts += [_slot_table(slot), ""]
    for agent in portfolio.agents:
        parts += [_agent_table(agent), ""]
    if portfolio.bound is not None:
        parts.append(Text(_bound_line(portfolio)))
    parts += [Text(f"note: {note}") for note in portfolio.notes]
    search = portfolio.search
    parts.append(
        Text(f"chosen from {search.columns} kinds of replicas of {search.plans} plans and {search.slots} shared slots")
    )
    return Group(*parts)


def _models_table(portfolio: Portfolio) -> Table:
    table = new_table(
        *("model", "mode", "devices", ">tokens/s", ">capacity", ">tokens/s/user", ">TTFT", ">$/h"),
        *(">$/M output", ">$/request"),
    )
    for model in portfolio.models:
        table.add_row(
            model.model,
            str(model.mode),
            _devices(portfolio, model),
            f"{model.demand_tokens_per_s:,.4g}",
            f"{model.capacity_tokens_per_s:,.4g}",
            f"{model.tokens_per_s_per_user:.4g}",
            format_seconds(model.ttft_s),
            f"{model.usd_per_hour:.4g}",
            f"{model.usd_per_million_output_tokens:.4g}",
            f"{model.usd_per_request:.3g}",
        )
    return table


def _devices(portfolio: Portfolio, model: ModelAnswer) -> str:
    own = [_held(deployment) for deployment in portfolio.deployments if deployment.model == model.model]
    turns = [
        f"turns on {slot.devices} {slot.pool}"
        for slot in portfolio.slots
        if any(member.model == model.model for member in slot.members)
    ]
    return ", ".join(own + turns)


def _held(deployment: Deployment) -> str:
    """Return replicas and the groups that prefill for them, such as ``4 x 8 h200, prefill 1 x 2 h200``."""
    plan = deployment.plan
    devices = " + ".join(f"{group.num_devices} {group.pool}" for group in plan.groups)
    parts = [f"{deployment.replicas} x {devices}"]
    if plan.phases is not None:
        parts += [f"prefill {pool.groups} x {pool.stages * pool.width} {pool.pool}" for pool in plan.phases.prefill]
    return ", ".join(parts)


def _slot_table(slot: Slot) -> Table:
    last = slot.first_device + slot.devices - 1
    table = new_table(
        "turn of",
        f">weights in {slot.tier}",
        ">switch",
        ">first tokens",
        ">answer",
        ">requests a turn",
        ">room",
        ">too many",
        ">switches/h",
        ">load",
        title=f"{slot.pool}[{slot.first_device}..{last}] in turns, every {format_seconds(slot.period_s)}; load "
        f"{slot.load:.1%}, {slot.timetable_load:.1%} if every turn is taken",
    )
    for member in slot.members:
        table.add_row(
            member.model,
            format_bytes(member.weights_bytes),
            format_seconds(member.switch_s),
            format_seconds(member.ttft_s),
            format_seconds(member.serve_s),
            f"{member.requests_per_turn:.3g}",
            str(member.batch_requests),
            f"{member.overflow:.2%}",
            f"{member.switches_per_hour:.3g}",
            f"{member.load:.1%}",
        )
    return table


def _agent_table(agent: AgentAnswer) -> Table:
    table = new_table(
        "call",
        "model",
        ">starts",
        ">turn and switch",
        ">TTFT",
        ">decode",
        ">ends",
        "critical",
        title=f"agent {agent.name}: {format_seconds(agent.latency_s)} of {format_seconds(agent.end_to_end_s)} allowed, "
        f"${agent.usd_per_run:.4g} a run",
    )
    for call in agent.calls:
        times = (call.start_s, call.switch_wait_s, call.ttft_s, call.decode_s, call.end_s)
        table.add_row(call.id, call.model, *map(format_seconds, times), "yes" if call.is_critical else "")
    return table


def _bound_line(portfolio: Portfolio) -> str:
    assert portfolio.bound is not None
    bound = portfolio.bound
    if bound.relative_gap is None:
        return f"any portfolio rents for at least ${bound.usd_per_hour:.4g}/h"
    line = f"rent ${portfolio.usd_per_hour:.4g}/h, any portfolio at least ${bound.usd_per_hour:.4g}/h"
    return (
        f"{line}; the choice among the plans made is{'' if bound.is_best_of_columns else ' not proven to be'} the best"
    )
