"""What ``placer sensitivity`` prints: figures by what hangs on them, with bars of a tornado."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.report.breakeven import saving_text
from placer.report.table import new_table
from placer.whatif.knob import format_value
from placer.whatif.sensitivity import Point, SensitivityAnswer, Turned
from placer.whatif.verdict import EQUAL

#: Half the width of the widest bar.
_HALF_BAR = 10


def render_sensitivity(answer: SensitivityAnswer) -> Group:
    """Return the report of what the price and the decision hang on."""
    parts: list[RenderableType] = [Text(_head(answer), style="bold"), Text(_rule(answer))]
    if answer.turned:
        parts += ["", _table(answer)]
    return Group(*parts, *(Text(line) for line in _notes(answer)))


def _head(answer: SensitivityAnswer) -> str:
    base = answer.base
    if base.usd is None:
        return f"{answer.model} on {answer.fleet}: {base.status}; there is no plan to ask about"
    used = ", ".join(f"{number:,} {pool}" for pool, number in base.devices.items())
    worth = "" if answer.base_decision is None else f"; {answer.pool}: {answer.base_decision}"
    return (
        f"{answer.model} on {answer.fleet}: ${base.usd:.4g} (at least ${base.least:.4g}) {answer.cost_unit}, {used}, "
        f"{base.mode}{worth}"
    )


def _rule(answer: SensitivityAnswer) -> str:
    text = (
        f"every figure {100 * answer.change:.3g} % down and up, solved and verified again; elasticities are finite "
        "differences d ln cost / d ln figure, in brackets where the proofs leave them"
    )
    if answer.pool is None:
        return text
    return f"{text}; {answer.pool} pays where it saves {saving_text(answer.saving)} of the cost"


def _table(answer: SensitivityAnswer) -> Table:
    widest = max((_effect(point) for one in answer.turned for point in one.points), default=0.0)
    table = new_table("figure", ">now", ">down", ">up", "<cheaper | dearer", ">elasticity", "decision")
    for one in answer.turned:
        table.add_row(
            f"{one.title}{' (estimate)' if one.is_estimate else ''}",
            format_value(one.present, one.unit),
            _moved(one.low),
            _moved(one.high),
            _bar(one, widest),
            _elasticity(one),
            _decision(one),
        )
    return table


def _moved(point: Point | None) -> str:
    if point is None:
        return "-"
    if point.relative_cost is None:
        return str(point.side.status)
    if point.is_deduced:
        return "same plan"
    if _is_in_the_gap(point):
        return "in the gap"
    return f"{100 * (point.relative_cost - 1.0):+.1f} %"


def _is_in_the_gap(point: Point) -> bool:
    """Return whether the cost found is another, but may be the same by what is proven."""
    is_other = point.relative_cost is not None and abs(point.relative_cost - 1.0) > EQUAL
    return is_other and not point.is_significant


def _effect(point: Point) -> float:
    return 0.0 if point.relative_cost is None else abs(point.relative_cost - 1.0)


def _bar(one: Turned, widest: float) -> str:
    """Return the bar of a tornado: to the left what gets cheaper, to the right what gets dearer."""
    moves = [point.relative_cost - 1.0 for point in one.points if point.relative_cost is not None]
    scale = _HALF_BAR / widest if widest else 0.0
    left, right = (round(max((sign * move for move in moves), default=0.0) * scale) for sign in (-1.0, 1.0))
    left, right = max(left, 0), max(right, 0)
    return f"{'█' * left:>{_HALF_BAR}}|{'█' * right:<{_HALF_BAR}}"


def _elasticity(one: Turned) -> str:
    if one.elasticity is None:
        return "-"
    text = f"{one.elasticity:+.2f}"
    if one.elasticity_range is None:
        return text
    low, high = one.elasticity_range
    return text if high - low < 0.01 else f"{text} [{low:+.2f}, {high:+.2f}]"


def _decision(one: Turned) -> str:
    parts = []
    for way, point in (("down", one.low), ("up", one.high)):
        if point is not None and point.changes:
            parts.append(f"{way}: {', '.join(point.changes)}{'' if point.is_change_proven else ' ?'}")
    return "; ".join(parts)


def _notes(answer: SensitivityAnswer) -> list[str]:
    lines = []
    points = [point for one in answer.turned for point in one.points]
    if any(point.changes and not point.is_change_proven for point in points):
        lines.append("?: so is the plan that was found; another one of nearly this cost may have changed nothing")
    if any(_is_in_the_gap(point) for point in points):
        lines.append("in the gap: the cost moved by less than plans and bounds leave open, so it may not have moved")
    if any(point.is_deduced for point in points):
        lines.append("same plan: not solved again, the plan does not use it and it only got worse")
    if answer.left_out:
        lines.append(f"not turned, for want of values: {', '.join(answer.left_out)}")
    guesses = [figure for one in answer.turned if one.is_estimate for figure in one.figures]
    if guesses:
        lines.append(f"{sum(one.is_estimate for one in answer.turned)} of {len(answer.turned)} figures are estimates")
    return ["", *lines] if lines else []
