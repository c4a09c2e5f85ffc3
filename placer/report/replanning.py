"""What a person reads of a re-placement: the answer, what moves where, what is lost, the first steps."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.plan.replanning import GroupMoves, ReplanReport, TimedStep
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds

_STEPS_SHOWN, _LAYOUTS_SHOWN = 8, 12


def render_replanning(report: ReplanReport) -> Group:
    """Return the report of a re-placement."""
    parts: list[RenderableType] = [Text(report.verdict, style="bold"), "", _layout_table(report), ""]
    parts.append(Text(_step_line(report)))
    parts += ["", *_step_parts(report)]
    parts += [Text(f"note: {note}") for note in report.notes]
    return Group(*parts)


def _layout_table(report: ReplanReport) -> Table:
    table = new_table(
        "layers",
        "group",
        ">ranks",
        ">slots",
        ">moves a layer",
        ">at least",
        ">had no copy",
        ">before",
        ">after",
        ">fresh",
        title=f"routing {report.routing}; fullest rank over the mean",
    )
    rows = [(group, layer) for group in report.groups for layer in group.layers]
    for group, layer in rows[:_LAYOUTS_SHOWN]:
        table.add_row(
            _numbers(layer.layers),
            _where(group),
            str(len(group.devices)),
            str(group.slots),
            str(layer.moves),
            str(layer.lower_bound_moves),
            str(layer.restored),
            *(f"{value:.3f}" for value in (layer.balance.before, layer.balance.after, layer.balance.fresh)),
        )
    if len(rows) > _LAYOUTS_SHOWN:
        table.add_row(f"{len(rows) - _LAYOUTS_SHOWN} more in --json")
    return table


def _numbers(layers: tuple[int, ...]) -> str:
    first, last = layers[0], layers[-1]
    if layers == tuple(range(first, last + 1)):
        return str(first) if first == last else f"{first} to {last}"
    return f"{len(layers)}, from {first}"


def _where(group: GroupMoves) -> str:
    replicas = f"replica {group.replicas[0]}" if len(group.replicas) == 1 else f"{len(group.replicas)} replicas"
    return f"{group.role}[{group.stage}] of {replicas}"


def _step_line(report: ReplanReport) -> str:
    words = [f"step by the law: {format_seconds(report.step_time_before_s)} as planned"]
    if report.step_time_stay_s is not None:
        words.append(f"{format_seconds(report.step_time_stay_s)} in this routing if nothing moves")
    if report.step_time_after_s is not None:
        words.append(f"{format_seconds(report.step_time_after_s)} after the moves")
    return ", ".join(words)


def _step_parts(report: ReplanReport) -> list[RenderableType]:
    steps = [step for group in report.groups for step in group.steps]
    if not steps:
        return []
    table = new_table("layer", "step", "expert", "from", "to", "link", ">bytes", ">done after", title="first steps")
    for step in steps[:_STEPS_SHOWN]:
        table.add_row(*_cells(step))
    more = len(steps) - _STEPS_SHOWN
    rest = [Text(f"{more:,} more steps in --json")] if more > 0 else []
    return [table, *rest, ""]


def _cells(step: TimedStep) -> tuple[str, ...]:
    size = format_bytes(step.bytes) if step.bytes else ""
    ends = (step.source or "", step.target, step.link or "", size, format_seconds(step.end_s))
    return (str(step.layer), step.action, str(step.expert), *ends)
