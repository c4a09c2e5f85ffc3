"""``placer plan --scenario FILE``: several models on one fleet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from placer.cli.output import emit, render, say
from placer.errors import InputError

if TYPE_CHECKING:
    from placer.plan.portfolio import Portfolio

ScenarioOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Plan the models and agents of a scenario file together; then -o names a folder, and only --gap, "
        "--budget-s, --seed, --json and --quiet go with it.",
    ),
]
OptionalModel = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="Catalog id, alias, path of a config.json or model file; needed unless --scenario is given.",
    ),
]
OptionalFleet = Annotated[
    str | None,
    typer.Option(metavar="FLEET", help="Catalog name, or path of a fleet file; needed unless --scenario is given."),
]
OptionalSpeed = Annotated[
    float | None,
    typer.Option(metavar="RATE", help="Tokens per second every user must get; needed unless --scenario is given."),
]

_TOGETHER = {"scenario", "gap", "budget_s", "seed", "output", "json_", "quiet"}
#: Exit codes of answers that are no portfolio.
_CODES = {"infeasible": 3, "undecided": 6}


def single(model: str | None, fleet: str | None, tps_user: float | None) -> tuple[str, str, float]:
    """Return what a plan of one model needs.

    Raises
    ------
    InputError
        Naming what is missing.
    """
    if model is None or fleet is None or tps_user is None:
        given = {"argument MODEL": model, "option --fleet": fleet, "option --tps-user": tps_user}
        missing = ", ".join(name for name, value in given.items() if value is None)
        raise InputError(f"missing {missing} (or --scenario FILE)", where="plan")
    return model, fleet, tps_user


def plan_scenario_file(context: typer.Context) -> None:
    """Plan the scenario file of a command line, print the answer, and end with its exit code."""
    from placer.cli.progress import progress_line
    from placer.portfolio.files import save_portfolio
    from placer.portfolio.plan import plan_portfolio
    from placer.portfolio.read import read_scenario

    given = _given(context)
    output: Path | None = given["output"]
    if output is not None and not output.parent.is_dir():
        raise InputError("no such folder", where=str(output.parent))
    if output is not None and output.exists() and not output.is_dir():
        raise InputError("expected a folder: a portfolio is written with all its plans", where=str(output))
    scenario = read_scenario(given["scenario"])
    _check_numbers(given)
    with progress_line(is_quiet=given["quiet"]) as sink:
        portfolio = plan_portfolio(
            scenario, gap=given["gap"], budget_s=given["budget_s"], seed=given["seed"], progress=sink
        )
    if output is not None:
        for path in save_portfolio(portfolio, output):
            say("wrote", str(path))
    _show(portfolio, is_json=given["json_"])


def _given(context: typer.Context) -> dict[str, Any]:
    """Return the options that go with a scenario; refuse others."""
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name not in _TOGETHER and source is not None and source.name == "COMMANDLINE":
            raise InputError("does not go with --scenario; say it in the file", where=parameter.opts[0])
    given = {name: context.params[name] for name in _TOGETHER}
    # The default is for one plan.
    source = context.get_parameter_source("budget_s")
    return given if source is not None and source.name == "COMMANDLINE" else given | {"budget_s": None}


def _check_numbers(given: dict[str, Any]) -> None:
    if not 0.0 <= given["gap"] < 1.0:
        raise InputError(f"expected a share in [0, 1), got {given['gap']!r}", where="--gap")
    if given["budget_s"] is not None and not 0.0 < given["budget_s"] <= 1e6:
        raise InputError(f"expected seconds between 0 and 1e6, got {given['budget_s']!r}", where="--budget-s")


def _show(portfolio: Portfolio, *, is_json: bool) -> None:
    from placer.portfolio.files import portfolio_json

    if is_json:
        emit(portfolio_json(portfolio), None)
    else:
        from placer.report.portfolio import render_portfolio

        render(render_portfolio(portfolio))
    code = _CODES.get(portfolio.status)
    if code is not None:
        raise typer.Exit(code)
