"""What ``placer kv-tiers`` prints: tiers for paused sessions, the policy, context parallelism."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.kv.answer import CpAnswer, KvTiersAnswer, TierAnswer
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds

_MOST_ESTIMATES = 12


def render_kv_tiers(answer: KvTiersAnswer) -> Group:
    """Return what a person reads."""
    parts: list[RenderableType] = [
        _head(answer),
        "",
        _tier_table(answer),
        "",
        Text(_break_even(answer.tiers)),
        Text(_policy(answer)),
    ]
    if answer.context_parallel:
        parts += ["", _cp_table(answer.context_parallel)]
    parts += [Text(f"note: {note}") for note in answer.notes]
    if answer.estimates:
        shown = ", ".join(answer.estimates[:_MOST_ESTIMATES])
        parts.append(Text(f"rests on {len(answer.estimates)} estimated figures: {shown}"))
    return Group(*parts)


def _head(answer: KvTiersAnswer) -> Text:
    sessions = answer.workload
    draft = f" with draft {answer.draft}" if answer.draft else ""
    ranks = f", {answer.dp} data-parallel ranks" if answer.dp > 1 else ""
    copies = f" ({answer.copies:.3g} copies over TP)" if answer.copies >= 1.005 else ""
    smaller = f"; {sessions.compression:g} times smaller in tiers below" if sessions.compression > 1 else ""
    return Text(
        f"{answer.model}{draft}, KV in {answer.kv_format}, on {answer.tp} x {answer.device}{ranks} "
        f"({answer.fleet}, {answer.price_basis})\n"
        f"a session of {answer.context:,} tokens: {format_bytes(answer.session_bytes)}, "
        f"{format_bytes(answer.device_bytes)} on each device{copies}, with room for {format_bytes(answer.room_bytes)}; "
        f"prefill at {answer.prefill_tokens_per_s:,.0f} tokens/s\n"
        f"{sessions.turns:,} turn(s), {format_seconds(sessions.think_time)} apart; {sessions.prefix_hit_rate:.0%} of "
        f"them go on from what was kept{smaller}"
    )


def _tier_table(answer: KvTiersAnswer) -> Table:
    table = new_table(
        "<waits in",
        *(">holds", ">serves", ">back after", "<wins", ">from context", ">from pause", ">a pause costs"),
        *(">sessions", ">hits"),
    )
    for row in answer.tiers:
        table.add_row(
            row.tier,
            _count(row.capacity_sessions, "-"),
            _count(row.traffic_sessions, "-"),
            format_seconds(row.resume_s),
            ("reload" if row.reload_wins else "recompute") if row.resume_s else "-",
            _count(row.break_even_context, "-"),
            "-" if row.break_even_think_s is None else format_seconds(row.break_even_think_s),
            f"{format_seconds(row.cost_s)}, ${row.cost_usd:.2g}",
            f"{row.sessions:,}",
            f"{row.hit_rate:.1%}",
        )
    return table


def _count(value: int | None, absent: str) -> str:
    return absent if value is None else f"{value:,}"


def _break_even(tiers: tuple[TierAnswer, ...]) -> str:
    rates = {row.tier: row.break_even_bytes_per_s for row in tiers if row.break_even_bytes_per_s is not None}
    each = ", ".join(f"{tier} {format_bytes(rate)}/s" for tier, rate in rates.items())
    return f"reload wins above, for a device: {each}" if each else "no tier below to reload from"


def _policy(answer: KvTiersAnswer) -> str:
    hits = sum(row.hit_rate for row in answer.tiers)
    return (
        f"policy: {answer.policy}; {hits:.1%} of the turns go on from what was kept; "
        f"a pause costs {format_seconds(answer.pause_cost_s)} of the rank, ${answer.pause_cost_usd:.2g}"
    )


def _cp_table(rows: tuple[CpAnswer, ...]) -> Table:
    table = new_table(
        "<split over",
        *(">KV a device", ">one rank", ">split", ">dealt whole", ">layers split", "<pays", ">from context"),
        ">against dealing",
        title=f"context parallelism: decode attention of {rows[0].batch:,} sequence(s), one step",
    )
    for row in rows:
        table.add_row(
            f"{row.cp} ranks",
            format_bytes(row.sequence_bytes),
            format_seconds(row.alone_s),
            format_seconds(row.split_s),
            format_seconds(row.dealt_s),
            f"{row.split_layers}",
            "yes" if row.pays_against_dealing else "over one" if row.pays else "no",
            _count(row.break_even_context, "never"),
            _count(row.break_even_context_against_dealing, "never"),
        )
    return table
