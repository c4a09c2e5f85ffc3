"""What a person reads of a frontier: a table by curve, and where curves end."""

from __future__ import annotations

import csv
import io

from rich.console import Group, RenderableType
from rich.text import Text

from placer.plan.frontier import Frontier, FrontierPoint
from placer.plan.plan import Status
from placer.report.table import new_table
from placer.units import format_count


def render_frontier(frontier: Frontier) -> RenderableType:
    """Return one table per curve, and what they have in common below."""
    parts: list[RenderableType] = []
    for curve in frontier.curves:
        parts += [_heading(frontier, curve), _table(frontier.of(curve)), *_ends(frontier.of(curve)), ""]
    return Group(*parts, Text(_legend(frontier)))


def frontier_csv(frontier: Frontier) -> str:
    """Return all points as comma-separated values, one row each, with a line of names; what is null is empty."""
    names = [name for name in FrontierPoint.model_fields if name not in {"devices", "binding", "estimates"}]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "devices", "binding", "estimates"])
    for point in frontier.points:
        row = point.model_dump(mode="json")
        devices = " ".join(f"{pool}:{count}" for pool, count in point.devices.items())
        fields = [row[name] for name in names] + [devices, "; ".join(point.binding), "; ".join(point.estimates)]
        writer.writerow(["" if field is None else field for field in fields])
    return text.getvalue()


def _heading(frontier: Frontier, curve: str) -> Text:
    lengths = f"{frontier.input_tokens[curve]:,} input, {frontier.output_tokens[curve]:,} output tokens"
    return Text(f"{curve}: {lengths}, prices on the basis {frontier.price_basis[curve]}")


def _table(points: tuple[FrontierPoint, ...]) -> RenderableType:
    whole = any(point.usd_per_million_input_tokens is not None for point in points)
    prices = (">$/M in", ">$/M out", ">$/M tokens") if whole else (">$/M out",)
    table = new_table(">tokens/s/user", ">reached", *prices, ">tokens/s/MW", ">per device", ">gap", "mode")
    for point in points:
        if point.status is Status.PLANNED:
            table.add_row(*_row(point, whole=whole))
        else:
            blank = ["-"] * (len(prices) + 4)
            table.add_row(f"{point.target_tokens_per_s_per_user:g}", *blank, f"no plan: {point.status}")
    return table


def _row(point: FrontierPoint, *, whole: bool) -> list[str]:
    prices = [point.usd_per_million_output_tokens]
    if whole:
        prices = [point.usd_per_million_input_tokens, *prices, point.usd_per_million_tokens]
    per_mw, per_device = point.tokens_per_s_per_mw, point.tokens_per_s_per_device
    drafted = f", {point.draft_tokens} drafted" if point.draft_tokens else ""
    return [
        f"{point.target_tokens_per_s_per_user:g}",
        f"{point.tokens_per_s_per_user or 0.0:.4g}",
        *("-" if price is None else f"{price:.4g}" for price in prices),
        "-" if per_mw is None else format_count(per_mw),
        "-" if per_device is None else f"{per_device:,.0f}",
        f"{point.relative_gap or 0.0:.1%}",
        f"{point.mode or 'decode'}{drafted}",
    ]


def _ends(points: tuple[FrontierPoint, ...]) -> list[RenderableType]:
    """Return why a curve ends, once for each reason."""
    missing = [point for point in points if point.status is not Status.PLANNED]
    if not missing:
        return []
    first = missing[0]
    return [Text(f"from {first.target_tokens_per_s_per_user:g} tokens/s/user: {first.status}, {first.reason}")]


def _legend(frontier: Frontier) -> str:
    guessed = sorted({name for point in frontier.points for name in point.estimates})
    known = f"{len(guessed)} estimated figures behind them: {', '.join(guessed[:8])}" if guessed else "no estimates"
    more = f" and {len(guessed) - 8} more" if len(guessed) > 8 else ""
    return f"no plan at a speed is cheaper by more than its gap; every plan verified; {known}{more}"
