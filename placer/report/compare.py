"""What a person reads of two plans: the answer, the questions, why one is cheaper, what lies where, what moves."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.plan.comparison import (
    Comparison,
    Decomposition,
    Effect,
    FigurePair,
    PricePart,
    QuestionComparison,
    SideSummary,
)
from placer.plan.plan import Status
from placer.report.moving import moving_lines
from placer.report.table import new_table
from placer.units import format_bytes, format_count, format_seconds, format_watts

_MOST_FIELDS = 20
_EVEN = 1e-9
#: Parts of a factor that change the price by less are left to --json.
_SMALL = 5e-4
#: Times below this share of the longest part of a step are not shown.
_NOTHING = 1e-6
_EFFECTS = {
    Effect.NONE: "none",
    Effect.A_LOOSER: "a allows more",
    Effect.B_LOOSER: "b allows more",
    Effect.OTHER: "other plans",
}
#: Figures whose names say less than people do.
_NAMES = {
    "usd_per_million_input_tokens": "a million input tokens",
    "usd_per_million_output_tokens": "a million output tokens",
    "usd_per_request": "a request",
    "usd_per_hour": "rent",
    "tokens_per_s_per_user": "tokens/s of a user",
    "ttft_s": "TTFT",
    "ttft_p99_s": "TTFT, 99th percentile",
    "tokens_per_s": "tokens/s sold",
    "requests_per_s": "requests/s",
    "users": "users at once",
    "step_time_s": "step time",
    "power_w": "power",
    "joules_per_token": "J/token",
    "tokens_per_s_per_mw": "tokens/s per MW",
    "model_weight_bytes": "weights of the model",
    "sequence_bytes_at_mean_context": "a sequence at its mean context",
}
#: Figures that reports leave to --json.
_HIDDEN = {"law_step_time_s", "capacity_tokens_per_s"}
_MODEL = "model_"


def render_comparison(found: Comparison) -> Group:
    """Return the report of a comparison."""
    parts: list[RenderableType] = [Text(found.verdict, style="bold"), "", *_sides(found)]
    parts += ["", *_question(found.question)]
    parts += ["", Text(f"proof: {found.proof.standing}: {found.proof.text}")]
    if found.prices and any(abs(factor.ratio - 1.0) > _EVEN for factor in found.prices[0].factors):
        first = found.prices[0]
        title = f"where the difference comes from: ${first.a_usd:.4g} a {first.per} in a, ${first.b_usd:.4g} in b"
        parts += ["", Text(title), _why(first), *(Text(_short(price)) for price in found.prices[1:])]
    if found.figures:
        parts += ["", _figures(found), "", _devices(found), "", _memory(found), "", _time(found), "", *_binding(found)]
    if found.moving is not None:
        parts += ["", *moving_lines(found.moving)]
    parts += [Text(f"note: {note}") for note in found.notes]
    return Group(*parts)


def _sides(found: Comparison) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for name, side in (("a", found.a), ("b", found.b)):
        mode = side.mode or ("decode only" if side.status is Status.PLANNED else str(side.status))
        lines.append(Text(f"{name} = {side.label}: {mode}{_shapes(side)}"))
        if side.status is not Status.PLANNED:
            lines += [Text(f"  conflict: {limit}") for limit in side.conflict]
            lines += [Text(f"  nearest that works: {relief}") for relief in side.nearest]
    return lines


def _shapes(side: SideSummary) -> str:
    return f"; {'; '.join(side.shapes)}" if side.shapes else ""


def _question(question: QuestionComparison) -> list[RenderableType]:
    if not question.differences:
        return [Text("the questions are the same")]
    table = new_table("the questions differ in", "a", "b", "<what is allowed")
    for each in question.differences[:_MOST_FIELDS]:
        cells = ("-" if value is None else value for value in (each.a, each.b))
        table.add_row(each.field, *cells, _EFFECTS[each.effect])
    more = len(question.differences) - _MOST_FIELDS
    return [table, *([Text(f"{more} more in --json")] if more > 0 else [])]


def _why(price: Decomposition) -> Table:
    table = new_table("factor of the price", ">a", ">b", ">price times", ">dollars")
    for factor in price.factors:
        if abs(factor.ratio - 1.0) < _EVEN and not any(abs(part.ratio - 1.0) > _SMALL for part in factor.parts):
            continue
        table.add_row(*_factor_cells(factor, ""))
        for part in factor.parts:
            if abs(part.ratio - 1.0) > _SMALL:
                table.add_row(*_factor_cells(part, "  "))
    table.add_section()
    difference = 0.0 if abs(price.ratio - 1.0) < _EVEN else price.difference_usd
    table.add_row("together", "", "", f"{price.ratio:.4f}", _signed_usd(difference))
    return table


def _factor_cells(part: PricePart, indent: str) -> tuple[str, ...]:
    values = (_value(part.a, part.unit), _value(part.b, part.unit))
    return (f"{indent}{part.name}", *values, f"{part.ratio:.4f}", _signed_usd(part.usd))


def _signed_usd(value: float) -> str:
    return f"{'-' if value < 0 else '+'}${abs(value):.4g}" if value else "$0"


def _short(price: Decomposition) -> str:
    return f"a {price.per}: ${price.a_usd:.4g} in a, ${price.b_usd:.4g} in b, {price.ratio:.4g} times as much"


_FORMATS: dict[str, Callable[[float], str]] = {
    "B": format_bytes,
    "s": format_seconds,
    "W": format_watts,
    "USD": lambda value: f"${value:.4g}",
    "USD/h": lambda value: f"${value:,.4g}/h",
}


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit in _FORMATS:
        return _FORMATS[unit](value)
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e6 else format_count(value)


def _figures(found: Comparison) -> Table:
    table = new_table("figure", ">a", ">b", ">b over a")
    for pair in found.figures:
        is_silent = found.question.same_model and pair.name.startswith(_MODEL)
        if pair.name not in _HIDDEN and not is_silent and (pair.a or pair.b):
            name = _NAMES.get(pair.name, pair.name.replace("_", " "))
            table.add_row(name, _value(pair.a, pair.unit), _value(pair.b, pair.unit), _ratio(pair))
    return table


def _ratio(pair: FigurePair) -> str:
    return "-" if pair.ratio is None else f"{pair.ratio:.4g}"


def _devices(found: Comparison) -> Table:
    table = new_table("pool", "devices", ">a", ">b", ">difference")
    for use in found.devices:
        table.add_row(use.pool, use.use, f"{use.a:,}", f"{use.b:,}", f"{use.b - use.a:+,}")
    return table


def _memory(found: Comparison) -> Table:
    table = new_table("pool", "tier", "bytes on all devices", ">a", ">b")
    for pair in found.memory:
        table.add_row(pair.pool, pair.tier, pair.kind, format_bytes(pair.a_bytes), format_bytes(pair.b_bytes))
    return table


def _time(found: Comparison) -> Table:
    table = new_table("where a step goes", ">a", ">b", ">difference")
    least_s = _NOTHING * max(value or 0.0 for pair in found.time for value in (pair.a_s, pair.b_s))
    for pairs in (found.time, found.busy):
        for pair in pairs:
            if max(pair.a_s or 0.0, pair.b_s or 0.0) <= least_s:
                continue
            name = pair.name if pairs is found.time else f"busy: {pair.name}"
            table.add_row(name, *(_seconds(value) for value in (pair.a_s, pair.b_s)), _change(pair.a_s, pair.b_s))
        table.add_section()
    return table


def _seconds(value: float | None) -> str:
    return "-" if value is None else format_seconds(value)


def _change(a: float | None, b: float | None) -> str:
    if a is None or b is None:
        return "-"
    return "0 ns" if a == b else f"{'-' if b < a else '+'}{format_seconds(abs(b - a))}"


def _binding(found: Comparison) -> list[RenderableType]:
    binding = found.binding
    kinds = (("both", binding.both), ("a only", binding.only_a), ("b only", binding.only_b))
    return [Text(f"binding in {name}: {'; '.join(limits) or 'nothing'}") for name, limits in kinds]
