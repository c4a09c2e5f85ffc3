"""What ``placer breakeven`` prints: where a pool starts or stops to pay, and the proof on both sides."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.report.estimates import estimates_line
from placer.report.table import new_table
from placer.whatif.break_even import BreakEven, BreakEvenAnswer, Probe
from placer.whatif.knob import format_value
from placer.whatif.verdict import Decision, Side

_CARRIED = "* the plan was found at another value of this table and is good for this one too, at this cost"


def render_break_even(answer: BreakEvenAnswer) -> Group:
    """Return the report of a pool's break-even points."""
    parts: list[RenderableType] = [Text(_head(answer), style="bold"), Text(_rule(answer))]
    for figure in answer.figures:
        parts += ["", Text(f"{figure.title}{_now(figure)}: {figure.text}", style="bold")]
        if figure.probes:
            parts.append(_table(figure, answer))
            parts += [Text(_CARRIED)] if _has_carried(figure) else []
    return Group(*parts, "", Text(estimates_line(answer.estimates)))


def saving_text(saving: float) -> str:
    """Return from when on a pool pays."""
    return "anything" if saving == 0.0 else f"more than {100 * saving:.3g} %"


def _head(answer: BreakEvenAnswer) -> str:
    return f"does {answer.pool} pay? {answer.model} on {answer.fleet}"


def _rule(answer: BreakEvenAnswer) -> str:
    return (
        f"it pays where it saves {saving_text(answer.saving)} of the least cost without it [{answer.cost_unit}, "
        f"prices on the basis {answer.price_basis}]; every answer but an open one is proven by the verified plans and "
        "bounds in its row"
    )


def _now(figure: BreakEven) -> str:
    if figure.present is None:
        return ""
    guess = ", an estimate" if figure.is_estimate else ""
    return f" (now {format_value(figure.present, figure.unit)}{guess})"


def _table(figure: BreakEven, answer: BreakEvenAnswer) -> Table:
    pool = answer.pool
    table = new_table(
        *(">value", f"<{pool}", f">with {pool}", ">at least", f">without {pool}", ">at least"),
        *("devices of the plan", "mode"),
    )
    for probe in figure.probes:
        if not figure.is_threshold or _is_telling(probe, figure):
            table.add_row(*_cells(probe, figure))
    return table


def _has_carried(figure: BreakEven) -> bool:
    sides = [side for probe in figure.probes for side in (probe.with_pool, probe.without_pool)]
    return any(side.found_at is not None for side in sides)


def _is_telling(probe: Probe, figure: BreakEven) -> bool:
    """Return whether a value is shown: ends of brackets, the present one, the first and the last, what is open."""
    shown = {figure.probes[0].value, figure.probes[-1].value, figure.present}
    shown |= {one.value for flip in figure.flips for one in (flip.low, flip.high)}
    return probe.value in shown or probe.decision is Decision.UNDECIDED


def _cells(probe: Probe, figure: BreakEven) -> tuple[str, ...]:
    best = min((probe.with_pool, probe.without_pool), key=lambda side: side.most)
    return (
        format_value(probe.value, figure.unit),
        str(probe.decision),
        *_costs(probe.with_pool),
        *_costs(probe.without_pool),
        ", ".join(f"{number:,} {pool}" for pool, number in best.devices.items()) or "-",
        best.mode or "-",
    )


def _costs(side: Side) -> tuple[str, str]:
    if side.usd is None:
        return str(side.status), "-" if side.bound_usd is None else f"${side.bound_usd:.4g}"
    mark = "" if side.found_at is None else "*"
    return f"${side.usd:.4g}{mark}", f"${side.least:.4g}"
