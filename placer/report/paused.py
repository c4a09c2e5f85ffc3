"""Paused sessions of a plan: where they wait, what a pause costs, and what that says and does not say."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from placer.plan.paused import Decision, Holder, PausedSessions, Place
from placer.plan.plan import Plan
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds


def paused_lines(plan: Plan) -> list[RenderableType]:
    """Return the section of a plan with paused sessions; nothing for other plans."""
    paused, sessions = plan.paused, plan.scenario.workload.sessions
    if paused is None or sessions is None:
        return []
    lines: list[RenderableType] = [
        "",
        Text(
            f"paused: {paused.sessions:,} sessions of {paused.context_tokens:,} tokens, for "
            f"{format_seconds(sessions.think_time)} each; in what this plan leaves free, which was not planned for them"
        ),
        _table(paused),
        Text(
            f"{paused.hit_rate:.1%} of the turns go on from what was kept; a pause costs "
            f"{format_seconds(paused.pause_cost_s)} of a data-parallel rank, ${paused.pause_cost_usd:.2g}; "
            f"{_break_even(paused.places)}"
        ),
    ]
    return [*lines, *(Text(_does_not_fit(holder)) for holder in paused.holders if holder.free_bytes < 0)]


def _table(paused: PausedSessions) -> Table:
    table = new_table(
        "<waits in",
        ">room for",
        ">sessions",
        ">on a device",
        ">tokens",
        ">back after",
        "<by",
        ">a pause costs",
        ">hits",
    )
    for place in paused.places:
        fullest = max(place.kept, key=lambda kept: kept.held_bytes, default=None)
        table.add_row(
            place.name,
            "-" if place.limit is None else f"{place.limit:,}",
            f"{place.sessions:,}",
            "-" if fullest is None else format_bytes(fullest.held_bytes),
            "-" if fullest is None else f"{fullest.held_tokens:,}",
            format_seconds(place.resume_s),
            "-" if place.decision is Decision.STAY else str(place.decision),
            f"{format_seconds(place.cost_s)}, ${place.cost_usd:.2g}",
            f"{place.hit_rate:.1%}",
        )
    return table


def _break_even(places: Sequence[Place]) -> str:
    """Return the bandwidth above which reload wins, on the stage that needs most of it, by tier."""
    rates = {
        place.name: max((kept.break_even_bytes_per_s or 0.0 for kept in place.kept), default=0.0) for place in places
    }
    each = ", ".join(f"{name} {format_bytes(rate)}/s" for name, rate in rates.items() if rate)
    return f"reload wins above, for a device: {each}" if each else "no tier below to reload from; give one with --tier"


def _does_not_fit(holder: Holder) -> str:
    return (
        f"the draft model does not fit beside this plan: {holder.role}, stage {holder.stage} lacks "
        f"{format_bytes(-holder.free_bytes)} on every device for its weights and its share of the KV cache"
    )
