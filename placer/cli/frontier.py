"""``placer frontier``: what speed costs, for several fleets, models and lengths at once."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from placer.cli.energy import ElectricityOption, PueOption, powered_fleet
from placer.cli.output import say
from placer.cli.precision import ExpertsOption, KvOption, WeightsOption, with_formats
from placer.cli.service import ModeOption, PhaseOption, PrefixHitsOption, TtftOption, TtftP99Option
from placer.cli.speculation import AcceptanceOption, MaxDraftOption, SpeculateOption
from placer.cli.sweep import (
    BudgetOption,
    CacheOption,
    EngineOption,
    GapOption,
    JsonOption,
    NoCacheOption,
    OslOption,
    OutputOption,
    QuietOption,
    SeedOption,
    WorkersOption,
    assert_writable,
    progress_bar,
    running,
    show,
)
from placer.errors import InputError
from placer.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placer.frontier.curve import Curve
    from placer.frontier.solve import Progress
    from placer.plan.frontier import Frontier

#: Speeds of a frontier unless others are given [tokens/s/user].
SPEEDS = "10:400:12"
#: Most points of one call.
MOST_POINTS = 10_000
#: Exit code where no point has a plan.
NOTHING = 3


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("frontier")(frontier_command)


def frontier_command(  # noqa: PLR0913 the parameters are the options of the command
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Catalog ids, aliases or paths.")],
    *,
    fleet: Annotated[list[str], typer.Option("--fleet", metavar="FLEET", help="Catalog name or path; repeatable.")],
    tps_user: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RATE",
            help="Tokens/s/user: a number, or LOW:HIGH:COUNT for so many in equal ratios; repeatable; "
            f"{SPEEDS} by default.",
        ),
    ] = None,
    isl: Annotated[
        list[str] | None, typer.Option(metavar="TOKENS", help="Input tokens; repeatable; 8192 by default.")
    ] = None,
    osl: OslOption = None,
    phase: PhaseOption = None,
    mode: ModeOption = None,
    ttft: TtftOption = None,
    ttft_p99: TtftP99Option = None,
    prefix_hits: PrefixHitsOption = None,
    pue: PueOption = None,
    electricity: ElectricityOption = None,
    speculate: SpeculateOption = None,
    acceptance: AcceptanceOption = None,
    max_draft: MaxDraftOption = None,
    also_plain: Annotated[
        bool, typer.Option("--also-plain", help="Add every curve without drafting; with --speculate.")
    ] = False,
    weights: WeightsOption = None,
    experts: ExpertsOption = None,
    kv: KvOption = None,
    gap: GapOption = 0.009,
    budget_s: BudgetOption = 60.0,
    seed: SeedOption = 0,
    engine: EngineOption = None,
    workers: WorkersOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the curves: a name that ends in .svg, .png or .pdf.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the points as CSV.")] = None,
    output: OutputOption = None,
    json_: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Sweep the speed users get: the cheapest plan at each, certified, with tokens per second and megawatt.

    Answers are kept: an interrupted sweep goes on where it was, and a finished one costs nothing.
    """
    from placer.report.chart import assert_format

    assert_writable(chart, csv, output)
    if chart is not None:
        assert_format(chart)
    from placer.cli import service as whole
    from placer.cli import speculation as drafts

    limits: dict[str, object] = {"ttft": ttft, "ttft_p99": ttft_p99, "prefix_hit_rate": prefix_hits}
    service = whole.service(phase, mode, limits, has_several_routings=False)
    drafting = drafts.speculation(speculate, acceptance, {"max_draft_tokens": max_draft})
    if also_plain and drafting is None:
        raise InputError("expected --speculate beside it: every curve is plain", where="--also-plain")
    from placer.model.catalog import load_model

    specs = [with_formats(load_model(name), weights=weights, experts=experts, kv=kv) for name in models]
    fleets = [powered_fleet(name, pue, electricity) for name in fleet]
    lengths = _lengths(isl, osl)
    ways = [drafting, None] if also_plain else [drafting]
    parts: dict[str, list[Any]] = {"model": specs, "fleet": fleets, "lengths": lengths, "speculation": ways}
    curves = _curves(parts, service, speeds(tps_user or [SPEEDS]))
    frontier = _solved(curves, (gap, budget_s, seed), (engine, workers), (cache, no_cache), is_quiet=quiet)
    _show(frontier, (chart, csv, output), is_json=json_)


def speeds(texts: Sequence[str]) -> tuple[float, ...]:
    """Return the speeds that options name, rising, each once [tokens/s/user].

    Raises
    ------
    InputError
        If one is no positive number or range.

    Examples
    --------
    >>> speeds(["10:1000:3", "50"])
    (10.0, 50.0, 100.0, 1000.0)
    """
    found: set[float] = set()
    for text in texts:
        parts = text.split(":")
        try:
            numbers = [float(part) for part in parts]
        except ValueError:
            numbers = []
        if len(numbers) == 1 and 0.0 < numbers[0] < 1e9:
            found.add(numbers[0])
        elif len(numbers) == 3 and 0.0 < numbers[0] < numbers[1] < 1e9 and numbers[2] in range(2, MOST_POINTS + 1):
            low, high, count = numbers[0], numbers[1], int(numbers[2])
            ratio = (high / low) ** (1.0 / (count - 1))
            found |= {float(f"{low * ratio**step:.4g}") for step in range(count)}
        else:
            expected = "expected a positive number of tokens/s, or LOW:HIGH:COUNT such as 10:400:12"
            raise InputError(f"{expected}, got {text!r}", where="--tps-user")
    return tuple(sorted(found))


def _lengths(isl: Sequence[str] | None, osl: str | None) -> list[dict[str, object]]:
    from placer.cli.workload import lengths

    given: list[str | None] = list(isl) if isl else [None]
    return [lengths(text, osl, None) for text in dict.fromkeys(given)]


def _curves(parts: dict[str, list[Any]], service: object, targets: tuple[float, ...]) -> list[Curve]:
    from placer.api import build_scenario
    from placer.frontier.curve import Curve

    curves = []
    for model, fleet, lengths, drafting in product(*parts.values()):
        names = {
            "model": model.name.rsplit("/", 1)[-1],
            "fleet": fleet.name,
            "lengths": f"{lengths['input_tokens']:,} in",
            "speculation": "plain" if drafting is None else f"drafting ({drafting.kind})",
        }
        differs = [name for name, choices in parts.items() if len(choices) > 1] or ["fleet"]
        scenario = build_scenario(model, fleet, workload=lengths, target={"tokens_per_s_per_user": targets[0]})
        scenario = scenario.model_copy(update={"service": service, "speculation": drafting})
        curves.append(Curve(", ".join(names[name] for name in differs), scenario, targets))
    if len({curve.name for curve in curves}) < len(curves):
        raise InputError("expected models and fleets with different names, each once", where="MODEL, --fleet")
    if (number := len(curves) * len(targets)) > MOST_POINTS:
        raise InputError(f"expected at most {MOST_POINTS:,} points, got {number:,}", where="--tps-user")
    return curves


def _solved(
    curves: list[Curve],
    how: tuple[float, float, int],
    where: tuple[str | None, int | None],
    kept: tuple[Path | None, bool],
    *,
    is_quiet: bool,
) -> Frontier:
    from placer.frontier.solve import solve_frontier
    from placer.sweep.how import How

    cache, is_off = kept
    with (
        running(*where, cache, has_cache=not is_off) as (engine, store),
        progress_bar("points", is_quiet=is_quiet) as tell,
    ):

        def follow(progress: Progress) -> None:
            last = progress.last
            at = last.question.scenario if last else None
            name = f"{at.fleet.name} at {at.target.tokens_per_s_per_user:g}" if at else ""
            tell(progress.settled, progress.points, name)

        return solve_frontier(curves, engine, store, How(*how), follow)


def _show(frontier: Frontier, paths: tuple[Path | None, Path | None, Path | None], *, is_json: bool) -> None:
    from placer.report.chart import save_chart
    from placer.report.frontier import frontier_csv, render_frontier

    chart, csv, output = paths
    has_plan = any(point.tokens_per_s_per_user for point in frontier.points)
    if chart is not None and has_plan:
        save_chart(frontier, chart)
        say("wrote", str(chart))
    if csv is not None:
        write_atomic(csv, frontier_csv(frontier))
        say("wrote", str(csv))
    text = frontier.model_dump_json(indent=1) + "\n"
    show(text, output, None if is_json else lambda: render_frontier(frontier))
    if not has_plan:
        raise typer.Exit(NOTHING)
