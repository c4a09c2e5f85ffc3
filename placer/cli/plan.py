"""``placer plan``: the cheapest way to serve a model at a speed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placer.cli.energy import ElectricityOption, PueOption, powered_fleet
from placer.cli.output import emit, render, say
from placer.cli.precision import ExpertsOption, KvOption, WeightsOption, with_formats
from placer.cli.scenario import OptionalFleet, OptionalModel, OptionalSpeed, ScenarioOption, plan_scenario_file, single
from placer.cli.service import (
    ModeOption,
    PhaseOption,
    PrefillLoadOption,
    PrefixBandwidthOption,
    PrefixHitsOption,
    TtftOption,
    TtftP99Option,
)
from placer.cli.sessions import (
    CompressionOption,
    DraftOption,
    HitRateOption,
    PausedOption,
    ThinkTimeOption,
    TierOption,
    TurnsOption,
)
from placer.cli.speculation import (
    AcceptanceOption,
    DraftOverlapOption,
    DraftPoolOption,
    MaxDraftOption,
    SpeculateOption,
)
from placer.errors import InputError
from placer.scenario.objective import Objective

if TYPE_CHECKING:
    from placer.catalog.fleet import Fleet
    from placer.model.spec import ModelSpec
    from placer.plan.plan import Plan
    from placer.scenario.scenario import Scenario

#: Exit codes of answers that are no plan.
INFEASIBLE, UNDECIDED = 3, 6


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("plan")(plan_command)


def plan_command(  # noqa: PLR0913 the parameters are the options of the command
    context: typer.Context,
    *,
    model: OptionalModel = None,
    fleet: OptionalFleet = None,
    tps_user: OptionalSpeed = None,
    scenario: ScenarioOption = None,
    isl: Annotated[
        str | None,
        typer.Option(metavar="TOKENS", help="Input tokens of a request, such as 8192 or 8k; 8192 by default."),
    ] = None,
    osl: Annotated[
        str | None, typer.Option(metavar="TOKENS", help="Output tokens of a request; 1024 by default.")
    ] = None,
    traffic: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the lengths from a trace, as placer traffic reads it.")
    ] = None,
    tps: Annotated[
        float | None, typer.Option(metavar="RATE", help="Tokens per second the whole fleet must serve.")
    ] = None,
    pue: PueOption = None,
    phase: PhaseOption = None,
    mode: ModeOption = None,
    ttft: TtftOption = None,
    ttft_p99: TtftP99Option = None,
    prefix_hits: PrefixHitsOption = None,
    prefix_bandwidth: PrefixBandwidthOption = None,
    prefill_load: PrefillLoadOption = None,
    electricity: ElectricityOption = None,
    power_cap: Annotated[
        str | None, typer.Option(metavar="POWER", help="Most power, PUE included, such as '500 kW'.")
    ] = None,
    cost_cap: Annotated[str | None, typer.Option(metavar="PRICE", help="Most cost, such as '900 USD/h'.")] = None,
    require: Annotated[
        list[str] | None, typer.Option(metavar="POOL", help="Pool every replica must use; repeatable.")
    ] = None,
    routing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROFILE",
            help="How tokens spread over experts: uniform (default), mixtral, mixed, domain, zipf:EXPONENT, or "
            "FILE.json[#NAME]. Given several times, one plan serves all.",
        ),
    ] = None,
    robust: Annotated[
        Objective | None,
        typer.Option(help="Of several routings: make the mean or the worst price small; worst by default."),
    ] = None,
    split_parts: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="Equal shares a layer's experts may be split into, the hottest to a sidecar; 4 by default.",
        ),
    ] = None,
    spare_slots: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="Slots of a rank for copies of its hottest experts, beyond those that are free anyway; 0 by default.",
        ),
    ] = None,
    think_time: ThinkTimeOption = None,
    turns: TurnsOption = None,
    hit_rate: HitRateOption = None,
    compression: CompressionOption = None,
    paused: PausedOption = None,
    tier: TierOption = None,
    draft: DraftOption = None,
    speculate: SpeculateOption = None,
    acceptance: AcceptanceOption = None,
    max_draft: MaxDraftOption = None,
    draft_pool: DraftPoolOption = None,
    draft_overlap: DraftOverlapOption = False,
    weights: WeightsOption = None,
    experts: ExpertsOption = None,
    kv: KvOption = None,
    gap: Annotated[
        float, typer.Option(metavar="SHARE", help="Gap to the bound at which the search stops; 0 for proof.")
    ] = 0.009,
    budget_s: Annotated[float, typer.Option(metavar="SECONDS", help="Wall seconds for the search.")] = 60.0,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Seed of CP-SAT.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write the plan to a file.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Plan the service of a model on a fleet, prefill and decode: the cheapest plan at a speed, with a proven bound."""
    if scenario is not None:
        plan_scenario_file(context)
        return
    model, fleet, tps_user = single(model, fleet, tps_user)
    from placer.cli import service as whole
    from placer.cli import sessions as pauses
    from placer.cli import speculation as drafts
    from placer.cli import workload as given
    from placer.model.catalog import load_model

    about = {"think_time": think_time, "turns": turns, "prefix_hit_rate": hit_rate, "compression": compression}
    beside = {"--turns": turns, "--hit-rate": hit_rate, "--compression": compression, "--paused": paused}
    pauses.assert_sessions_asked(think_time, beside | {"--tier": tier, "--draft": draft})
    profiles = routing or ["uniform"]
    workload = given.lengths(isl, osl, traffic) | {"routing": given.routing(profiles[0])}
    workload["sessions"] = pauses.sessions(about, traffic)
    target: dict[str, object] = {
        "tokens_per_s_per_user": tps_user,
        "tokens_per_s": tps,
        "power_cap": power_cap,
        "cost_cap": cost_cap,
        "required_pools": tuple(require or ()),
    }
    if output is not None and not output.parent.is_dir():
        raise InputError("no such folder", where=str(output.parent))
    spec = with_formats(load_model(model), weights=weights, experts=experts, kv=kv)
    kept = pauses.retention(tier, paused, draft, kv)
    space = _space(split_parts, spare_slots)
    question = {"workload": workload, "target": target, "retention": kept, "space": space}
    how = {"max_draft_tokens": max_draft, "pool": draft_pool, "overlap": draft_overlap}
    drafting = drafts.speculation(speculate, acceptance, how)
    extras: dict[str, object] = {"robust": given.robust(profiles, robust), "speculation": drafting}
    limits: dict[str, object] = {"ttft": ttft, "ttft_p99": ttft_p99, "prefix_hit_rate": prefix_hits}
    limits |= {"prefix_bandwidth": prefix_bandwidth, "max_prefill_load": prefill_load}
    extras["service"] = whole.service(phase, mode, limits, has_several_routings=len(profiles) > 1)
    powered = powered_fleet(fleet, pue, electricity)
    asked = _scenario(spec, powered, question).model_copy(update=extras)
    plan = _solve(asked, (gap, budget_s, seed), is_quiet=quiet)
    _show(plan, output, is_json=json_)


def _space(split_parts: int | None, spare_slots: int | None) -> dict[str, object]:
    from placer.scenario.space import MOST_SPARE_SLOTS, MOST_SPLIT_PARTS

    if split_parts is not None and not 1 <= split_parts <= MOST_SPLIT_PARTS:
        raise InputError(f"expected 1 to {MOST_SPLIT_PARTS} equal shares, got {split_parts}", where="--split-parts")
    if spare_slots is not None and not 0 <= spare_slots <= MOST_SPARE_SLOTS:
        raise InputError(f"expected 0 to {MOST_SPARE_SLOTS} slots, got {spare_slots}", where="--spare-slots")
    given = {"split_parts": split_parts, "max_spare_slots": spare_slots}
    return {name: value for name, value in given.items() if value is not None}


def _scenario(spec: ModelSpec, fleet: Fleet, question: dict[str, dict[str, object]]) -> Scenario:
    from placer.api import build_scenario

    target = {name: value for name, value in question["target"].items() if value is not None}
    return build_scenario(spec, fleet, **question | {"target": target})


def _solve(scenario: Scenario, how: tuple[float, float, int], *, is_quiet: bool) -> Plan:
    from placer.api import plan_scenario
    from placer.cli.progress import progress_line

    gap, budget_s, seed = how
    with progress_line(is_quiet=is_quiet) as sink:
        return plan_scenario(scenario, gap=gap, budget_s=budget_s, seed=seed, progress=sink)


def _show(plan: Plan, output: Path | None, *, is_json: bool) -> None:
    from placer.plan.files import plan_json, save_plan
    from placer.plan.plan import Status

    if output is not None:
        save_plan(plan, output)
        say("wrote", str(output))
    if is_json:
        emit(plan_json(plan), None)
    else:
        from placer.report.plan import render_plan

        render(render_plan(plan))
    codes = {Status.INFEASIBLE: INFEASIBLE, Status.UNDECIDED: UNDECIDED}
    if plan.status in codes:
        raise typer.Exit(codes[plan.status])
