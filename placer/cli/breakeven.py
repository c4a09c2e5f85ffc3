"""``placer breakeven``: where a pool starts or stops to pay."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placer.breakeven.figure import Figure
from placer.cli.output import say
from placer.cli.precision import ExpertsOption, KvOption, WeightsOption
from placer.cli.service import PhaseOption, TtftOption
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
    running,
    show,
)
from placer.cli.whatif import (
    Asked,
    FleetOption,
    IslOption,
    ModelArgument,
    PlanOption,
    RoutingOption,
    SavingOption,
    SpeedOption,
    saving_or_default,
    scenario_of,
)
from placer.errors import InputError

if TYPE_CHECKING:
    from placer.plan.plan import Plan
    from placer.whatif.break_even import BreakEvenAnswer

#: Exit codes of answers that say nothing else, as of ``placer plan``.
INFEASIBLE, UNDECIDED = 3, 6


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("breakeven")(breakeven_command)


def breakeven_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    model: ModelArgument = None,
    fleet: FleetOption = None,
    tps_user: SpeedOption = None,
    plan: PlanOption = None,
    pool: Annotated[str, typer.Option(metavar="POOL", help="The pool that may be worth it or not.")],
    of: Annotated[
        list[Figure] | None,
        typer.Option(
            help="Break-even of: the pool's price, the speed of users, the memory bandwidth of the other pools, the "
            "latency of hops to the pool; repeatable, all four by default."
        ),
    ] = None,
    isl: IslOption = None,
    osl: OslOption = None,
    phase: PhaseOption = None,
    ttft: TtftOption = None,
    tps: Annotated[
        float | None, typer.Option(metavar="RATE", help="Tokens per second the whole fleet must serve.")
    ] = None,
    routing: RoutingOption = None,
    weights: WeightsOption = None,
    experts: ExpertsOption = None,
    kv: KvOption = None,
    saving: SavingOption = None,
    precision: Annotated[
        float, typer.Option(metavar="SHARE", help="Relative width at which a bracket is narrow enough.")
    ] = 0.05,
    points: Annotated[
        int, typer.Option(metavar="NUMBER", help="Most values of a figure; two searches each at most.")
    ] = 24,
    gap: GapOption = 0.009,
    budget_s: BudgetOption = 60.0,
    seed: SeedOption = 0,
    engine: EngineOption = None,
    workers: WorkersOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    plans: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write the plans at both ends of every bracket there; not with --no-cache."
        ),
    ] = None,
    output: OutputOption = None,
    json_: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find where a pool starts or stops to pay: price, speed, other memory, hop latency; each bracket proven."""
    asked = Asked(model, fleet, tps_user, plan, isl, osl, phase, ttft, tps, routing, weights, experts, kv)
    scenario = scenario_of(asked)
    assert_writable(output)
    _assert_folder(plans, has_cache=not no_cache)
    from placer.breakeven.ask import break_even
    from placer.breakeven.plans import bracketing_plans
    from placer.cli.progress import searches_line
    from placer.sweep.how import How, Means

    how = How(relative_gap=gap, budget_s=budget_s, seed=seed)
    with (
        running(engine, workers, cache, has_cache=not no_cache) as (ready, store),
        searches_line(is_quiet=quiet) as (next_part, count),
    ):
        answer = break_even(
            scenario,
            pool,
            how,
            Means(ready, store, lambda one: count(is_new=one.is_new)),
            saving=saving_or_default(saving, gap),
            figures=tuple(of or Figure),
            precision=precision,
            most=points,
            sink=next_part,
        )
        if plans is not None and store is not None:
            _write_plans(bracketing_plans(answer, scenario, how, store), plans)
    from placer.report.breakeven import render_break_even

    show(answer.model_dump_json(indent=2) + "\n", output, None if json_ else lambda: render_break_even(answer))
    _exit(answer)


def _assert_folder(folder: Path | None, *, has_cache: bool) -> None:
    if folder is None:
        return
    if not has_cache:
        raise InputError("does not go with --no-cache: plans come from there", where="--plans")
    if not folder.parent.is_dir():
        raise InputError("no such folder", where=str(folder.parent))
    if folder.exists() and not folder.is_dir():
        raise InputError("expected a folder", where=str(folder))


def _write_plans(plans: Iterable[tuple[str, Plan]], folder: Path) -> None:
    from placer.plan.files import save_plan

    folder.mkdir(exist_ok=True)
    for name, plan in plans:
        save_plan(plan, folder / name)
    say("wrote", f"plans to {folder}")


def _exit(answer: BreakEvenAnswer) -> None:
    """End with the code of an answer that is none: no plan anywhere, or nothing proven."""
    from placer.whatif.break_even import Outcome

    outcomes = {figure.outcome for figure in answer.figures} - {Outcome.NOTHING_TO_TURN}
    if outcomes == {Outcome.NO_PLAN}:
        raise typer.Exit(INFEASIBLE)
    if outcomes and outcomes <= {Outcome.NO_PLAN, Outcome.UNDECIDED}:
        raise typer.Exit(UNDECIDED)
