"""What a person reads of a simulation."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.report.table import new_table
from placer.simulate.outcome import Compared, Mode, SimulationReport, StageUse
from placer.units import format_count, format_seconds

#: Stages shown; ``--json`` has all of them, and every device.
_MOST_STAGES = 16
#: Simulation and plan agree up to here.
_AGREEMENT = 0.02


def render_simulation(report: SimulationReport) -> Group:
    """Return the figures next to the plan's, and how much every stage and link direction is used."""
    parts: list[RenderableType] = [Text(_headline(report), style="bold"), "", _figures(report), "", _resources(report)]
    parts += ["", _stages(report), "", Text(_verdict(report))]
    return Group(*parts)


def _headline(report: SimulationReport) -> str:
    if report.mode is Mode.DETERMINISTIC:
        how = "repeats itself" if report.is_settled else f"does not repeat itself; mean of {report.steps} steps"
        return f"deterministic: the times of the cost model, {report.schedule.label}; {how}"
    return (
        f"stochastic: {report.steps} steps after {report.warm_up_steps} of warm-up, seed {report.seed}, "
        f"jitter {report.jitter:.3g}, experts drawn from the routing profile; {report.schedule.label}"
    )


def _figures(report: SimulationReport) -> Table:
    table = new_table("figure", ">simulated", ">plan", ">difference")
    step, times = report.step_time, report.token_times
    table.add_row("TPOT, mean", *_row(step, format_seconds))
    table.add_row("TPOT, p50", format_seconds(times.p50_s), "", "")
    table.add_row("TPOT, p99", format_seconds(times.p99_s), "", "")
    table.add_row("least step (law)", "", format_seconds(report.law_step_time_s), "")
    table.add_row("tokens/s", *_row(report.tokens_per_s, format_count))
    return table


def _row(compared: Compared, show: object) -> tuple[str, str, str]:
    assert callable(show)
    difference = "" if compared.difference is None else f"{round(compared.difference, 4) + 0.0:+.2%}"
    return show(compared.simulated), show(compared.predicted), difference


def _resources(report: SimulationReport) -> Table:
    table = new_table("in use, busiest stage", ">simulated", ">plan", ">difference")
    for entry in report.resources:
        table.add_row(entry.resource, *_row(entry.utilisation, "{:.1%}".format))
    return table


def _stages(report: SimulationReport) -> Table:
    places = sorted({(use.role, use.stage) for use in report.stages}, key=lambda place: (str(place[0]), place[1]))
    table = new_table("stage", ">devices", "in use")
    width = {
        place: sum(1 for device in report.devices if (device.role, device.stage, device.replica) == (*place, 0))
        for place in places[:_MOST_STAGES]
    }
    for role, stage in places[:_MOST_STAGES]:
        uses = [_use(use) for use in report.stages if (use.role, use.stage) == (role, stage)]
        table.add_row(f"{role} {stage}", str(width[role, stage]), ", ".join(uses))
    if len(places) > _MOST_STAGES:
        table.add_row(f"{len(places) - _MOST_STAGES} more", "", "see --json")
    return table


def _use(use: StageUse) -> str:
    return f"{use.engine} {use.utilisation:.1%}"


def _verdict(report: SimulationReport) -> str:
    difference = report.step_time.difference
    if difference is None or abs(difference) > _AGREEMENT:
        return "simulation and plan differ by more than 2 %"
    return "simulation and plan agree within 2 %"
