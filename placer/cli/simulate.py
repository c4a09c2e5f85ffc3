"""``placer simulate``: a discrete-event simulation of a plan's placed shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placer.cli.output import emit_json, render, say
from placer.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("simulate")(simulate_command)


def simulate_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan file.")],
    steps: Annotated[int, typer.Option(metavar="NUMBER", help="Steps of every microbatch to measure.")] = 100,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Seed of jitter and expert draws.")] = 0,
    jitter: Annotated[
        float, typer.Option(metavar="SHARE", help="Relative standard deviation of every op's time; an assumption.")
    ] = 0.05,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Draw nothing: the times of the cost model, until steps repeat.")
    ] = False,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a timeline of two steps; opens in ui.perfetto.dev.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Simulate a plan event by event: TPOT, throughput and use of every device and link, next to the prediction."""
    from placer.files import write_atomic
    from placer.plan.files import load_plan
    from placer.simulate.outcome import Mode
    from placer.simulate.simulate import Options, simulate_plan

    if trace is not None and not trace.parent.is_dir():
        raise InputError("no such folder", where=str(trace.parent))
    mode = Mode.DETERMINISTIC if deterministic else Mode.STOCHASTIC
    options = Options(mode=mode, steps=steps, seed=seed, jitter=jitter)
    outcome = simulate_plan(load_plan(plan), options)
    if trace is not None:
        write_atomic(trace, outcome.trace.text())
        say("wrote", str(trace))
    if json_:
        emit_json(outcome.report.model_dump(mode="json"))
    else:
        from placer.report.simulation import render_simulation

        render(render_simulation(outcome.report))
