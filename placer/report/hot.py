"""What a person reads of hot experts: the layers, what limits them, and the choice under other routing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.plan.hot import HotExplained, HotRow, OutsideScore, Score
from placer.plan.placement import Role, Way
from placer.plan.plan import Plan
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds

_MOST_ROWS = 24


def ranges(numbers: Sequence[int]) -> str:
    """Return rising numbers in few words.

    >>> ranges([3, 4, 5, 9])
    '3-5, 9'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def render_hot(hot: HotExplained) -> Group:
    """Return the table of split layers, and the choice under other routing."""
    if not hot.rows:
        return Group(Text("no layer is split: no experts are hot", style="bold"))
    count = sum(len(row.layers) for row in hot.rows)
    title = (
        f"{count} split layer(s): hot experts take {format_bytes(hot.side_bytes)} of the sidecar and spare the host "
        f"{format_bytes(round(hot.saved_bytes))} a step, {hot.traffic_share:.1%} of what it would read of their experts"
    )
    parts: list[RenderableType] = [Text(title, style="bold"), "", _rows(hot.rows[:_MOST_ROWS])]
    if len(hot.rows) > _MOST_ROWS:
        parts.append(Text(f"and {len(hot.rows) - _MOST_ROWS} more kinds of layers; --json has all"))
    if hot.outside:
        parts += ["", _outside(hot.outside, hot.draws)]
        parts += [
            Text(f"{score.routing}: the plan as it is misses its target") for score in hot.outside if _fails(score)
        ]
    return Group(*parts)


def _fails(score: OutsideScore) -> bool:
    return not score.meets_target


def _rows(rows: Sequence[HotRow]) -> Table:
    table = new_table(
        "layers",
        *(">hot", ">selections", ">traffic", ">spared", ">sidecar", ">cold side", ">hot side", ">link", "<limit"),
        title="one layer of each kind: shares of selections and of touched experts, bytes spared and held, times",
    )
    for row in rows:
        table.add_row(
            ranges(row.layers),
            f"{row.hot} of {row.experts}",
            f"{row.routing_share:.1%}",
            f"{row.traffic_share:.1%}",
            format_bytes(round(row.saved_bytes)),
            format_bytes(row.side_bytes),
            *(format_seconds(seconds) for seconds in (row.cold_s, row.hot_s, row.link_s)),
            str(row.limit),
        )
    return table


def _outside(scores: Sequence[OutsideScore], draws: int) -> Table:
    table = new_table(
        "routing",
        *(">same", ">as planned", ">re-dealt", ">hindsight", ">random", ">none hot"),
        title=f"step by the law and $/M output tokens, by choice of hot experts (random: mean of {draws})",
    )
    for score in scores:
        choices = (score.planned, score.balanced, score.hindsight, score.random, score.none)
        table.add_row(score.routing, f"{score.overlap:.0%}", *map(_scored, choices))
    return table


def _scored(score: Score) -> str:
    return f"{format_seconds(score.step_time_s)} ${score.usd_per_million_output_tokens:.4g}"


def hot_lines(plan: Plan) -> list[Text]:
    """Return what a plan's report says of split layers: one line, or none where no layer is split."""
    placement = plan.placement
    split = [layer for layer in placement.layers if layer.way is Way.SPLIT] if placement else []
    if placement is None or not split:
        return []
    counts, experts = set(), set()
    for layer in split:
        cold, hot = (sum(map(len, placement.experts[part.experts or ""].experts_by_rank)) for part in layer.ffn)
        counts.add(hot)
        experts.add(cold + hot)
    held = max(use.hot_experts_bytes for use in plan.memory if use.role is Role.SIDECAR)
    many = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    return [
        Text(
            f"hot experts: {many} of {max(experts)} in {len(split)} split layer(s), {format_bytes(held)} on the "
            "fullest device of the sidecar; placer explain PLAN --hot says what they save and what limits them"
        )
    ]
