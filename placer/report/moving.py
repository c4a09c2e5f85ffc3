"""What a person reads of a move from one plan to another."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from placer.plan.moving import Moving, PoolChange, SessionsMoved
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds


def moving_lines(moving: Moving) -> list[RenderableType]:
    """Return devices, bytes, time and sessions of a move."""
    lines: list[RenderableType] = [Text("moving from a to b:"), *(Text(f"  {_pool(pool)}") for pool in moving.pools)]
    lines += [Text(f"  {_bytes(moving)}"), Text(f"  {_sessions(moving.sessions)}")]
    if moving.both_usd_per_hour is not None and moving.usd:
        waits = "loading" if moving.sessions.stay else "draining, then loading"
        rent = f"${moving.both_usd_per_hour:,.4g}/h"
        lines.append(Text(f"  the devices of both plans rent for {rent}; {waits} takes ${moving.usd:,.3g} of it"))
    return [*lines, *(["", _routes(moving), ""] if moving.routes else [""])]


def _pool(pool: PoolChange) -> str:
    changes = [f"rent {pool.added_units:,} more"] if pool.added_units else []
    changes += [f"return {pool.returned_units:,}"] if pool.returned_units else []
    unit = f"unit(s) of {pool.unit}"
    change = f"{', '.join(changes)} {unit}" if changes else "keep what is rented"
    if pool.a_devices == pool.b_devices:
        return f"{pool.pool} ({pool.device}): {change} ({pool.b_devices:,} devices)"
    usd = f", {'-' if pool.usd_per_hour < 0 else '+'}${abs(pool.usd_per_hour):,.4g}/h" if pool.usd_per_hour else ""
    return f"{pool.pool} ({pool.device}): {change} ({pool.a_devices:,} -> {pool.b_devices:,} devices{usd})"


def _bytes(moving: Moving) -> str:
    kept = f"{moving.kept_devices:,} devices work in both, with {format_bytes(moving.kept_bytes)} of weights in place"
    if not moving.bytes:
        return f"{kept}; none has to be loaded"
    text = (
        f"{kept}; {format_bytes(moving.bytes)} are loaded, {_from_storage(moving)} from storage, "
        f"in at least {format_seconds(moving.seconds)} ({moving.bottleneck})"
    )
    if moving.crowded_devices:
        text += f"; {moving.crowded_devices:,} devices have no room for that while they serve, and stop first"
    return text


def _from_storage(moving: Moving) -> str:
    if moving.storage_bytes in {0, moving.bytes}:
        return "all" if moving.storage_bytes else "none"
    return format_bytes(moving.storage_bytes)


def _sessions(sessions: SessionsMoved) -> str:
    if sessions.stay:
        return f"{sessions.sessions:,} sessions in flight keep their KV cache where it is"
    return (
        f"{sessions.sessions:,} sessions in flight: drained in {format_seconds(sessions.drain_s)} (a whole answer), or "
        f"{format_bytes(sessions.bytes)} of KV cache to move; b decodes {sessions.slots:,} at once"
    )


def _routes(moving: Moving) -> Table:
    table = new_table("weights from", "to", "over", ">devices", ">bytes", ">busiest port")
    for route in moving.routes:
        cells = (route.source, route.target, route.link, f"{route.devices:,}")
        table.add_row(*cells, format_bytes(route.bytes), format_seconds(route.busiest_s))
    return table
