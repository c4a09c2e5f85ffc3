"""``placer demand``: a fleet over the hours of a day or a week."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placer.cli.output import emit, render
from placer.errors import InputError

if TYPE_CHECKING:
    from placer.demand.prices import Prices
    from placer.demand.profile import Profile

#: As of ``placer plan``: an answer that is no fleet.
INFEASIBLE = 3


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("demand")(demand_command)


def demand_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN...", help="Plan files of one model; the cheapest is shown.")
    ],
    profile: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Requests per second of 24 or 168 hours, in YAML or CSV; or a trace."),
    ],
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Prices of reserved, on-demand and spot capacity, if not in the profile."),
    ] = None,
    percentile: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of all moments in which the slots suffice.")
    ] = 0.99,
    scale: Annotated[float, typer.Option(metavar="FACTOR", help="So many times the requests of the profile.")] = 1.0,
    peakedness: Annotated[
        float | None,
        typer.Option(metavar="RATIO", help="Variance over mean of the requests in service; 1 for Poisson arrivals."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Size a plan's fleet over a day or a week: replicas by the hour, reserved, on demand and spot."""
    from placer.demand.answer import Outcome
    from placer.demand.choose import cheapest_plan
    from placer.demand.size import Question
    from placer.plan.files import load_plan

    arrivals, ways = _read(profile, prices)
    changed = _changed(arrivals, scale, peakedness)
    answer = cheapest_plan(
        tuple(Question(load_plan(path), changed, ways, percentile, where=str(path)) for path in plans)
    )
    if json_:
        emit(answer.model_dump_json(indent=2) + "\n", None)
    else:
        from placer.report.demand import render_demand

        render(render_demand(answer))
    if answer.outcome is Outcome.INFEASIBLE:
        raise typer.Exit(INFEASIBLE)


def _read(profile: Path, prices: Path | None) -> tuple[Profile, Prices | None]:
    from placer.demand.files import read_prices, read_profile

    arrivals, own = read_profile(profile)
    if own is not None and prices is not None:
        raise InputError(f"{profile} has prices of its own; expected them in one place", where="--prices")
    return arrivals, own if prices is None else read_prices(prices)


def _changed(arrivals: Profile, scale: float, peakedness: float | None) -> Profile:
    from placer.demand.profile import Profile
    from placer.validate import validated

    if not 0 < scale <= 1e9:
        raise InputError(f"expected a factor above 0, got {scale!r}", where="--scale")
    fields = arrivals.scaled(scale).model_dump()
    if peakedness is not None:
        fields["peakedness"] = peakedness
    return validated(Profile, fields, "--scale, --peakedness")
