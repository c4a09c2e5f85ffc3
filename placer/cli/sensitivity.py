"""``placer sensitivity``: what the price and the decision hang on."""

from __future__ import annotations

from typing import Annotated

import typer

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

#: Exit codes of answers without a plan, as of ``placer plan``.
INFEASIBLE, UNDECIDED = 3, 6


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("sensitivity")(sensitivity_command)


def sensitivity_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    model: ModelArgument = None,
    fleet: FleetOption = None,
    tps_user: SpeedOption = None,
    plan: PlanOption = None,
    pool: Annotated[
        str | None,
        typer.Option(metavar="POOL", help="Also follow whether this pool pays; twice as many searches."),
    ] = None,
    change: Annotated[
        float, typer.Option(metavar="SHARE", help="Relative change of every figure, down and up.")
    ] = 0.25,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIGURE",
            help="Turn these figures only, such as price:lpx, 'floor:*' or speed; repeatable. --json names them all.",
        ),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Most changed values to solve, estimates first; all by default."),
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
    gap: GapOption = 0.009,
    budget_s: BudgetOption = 60.0,
    seed: SeedOption = 0,
    engine: EngineOption = None,
    workers: WorkersOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    output: OutputOption = None,
    json_: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Turn every figure down and up, solve again, and rank what the decision and the price hang on; estimates first."""
    asked = Asked(model, fleet, tps_user, plan, isl, osl, phase, ttft, tps, routing, weights, experts, kv)
    scenario = scenario_of(asked)
    assert_writable(output)
    from placer.cli.progress import searches_line
    from placer.plan.plan import Status
    from placer.sensitivity.ask import number_of_questions, sensitivity
    from placer.sweep.how import How, Means
    from placer.whatif.knobs import knobs_of

    how = How(relative_gap=gap, budget_s=budget_s, seed=seed)
    with (
        running(engine, workers, cache, has_cache=not no_cache) as (ready, store),
        searches_line(is_quiet=quiet) as (next_part, count),
    ):
        next_part(f"at most {number_of_questions(knobs_of(scenario, only or ()), pool, change, points)} searches")
        answer = sensitivity(
            scenario,
            how,
            Means(ready, store, lambda one: count(is_new=one.is_new)),
            change=change,
            pool=pool,
            saving=saving_or_default(saving, gap),
            only=only or (),
            most=points,
        )
    from placer.report.sensitivity import render_sensitivity

    show(answer.model_dump_json(indent=2) + "\n", output, None if json_ else lambda: render_sensitivity(answer))
    codes = {Status.INFEASIBLE: INFEASIBLE, Status.UNDECIDED: UNDECIDED}
    if answer.base.status in codes:
        raise typer.Exit(codes[answer.base.status])
