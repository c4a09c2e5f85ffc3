"""``placer replan``: new places for experts after drift, a loss, or growth, with few moves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placer.cli.output import emit_json, render, say
from placer.errors import InputError

if TYPE_CHECKING:
    from placer.plan.plan import Plan
    from placer.plan.replanning import Shares
    from placer.replan.drift import Drift
    from placer.replan.request import Request
    from placer.search.params import SolveParams


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("replan")(replan_command)


def replan_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan file.")],
    routing: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE",
            help="New routing, as of placer plan. Default: the plan's.",
        ),
    ] = None,
    lost: Annotated[
        list[str] | None,
        typer.Option(metavar="DEVICE", help="Lost device such as pool[3], or rack such as domain:pool[0]; repeatable."),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(metavar="DEVICE", help="Device that joins, for experts only, named alike; repeatable."),
    ] = None,
    max_move_bytes: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Most bytes that may move in a replica, such as 20GB.")
    ] = None,
    storage: Annotated[
        str, typer.Option(metavar="RATE", help="What a device reads from storage; an assumption.")
    ] = "5 GB/s",
    shares: Annotated[
        str,
        typer.Option(
            metavar="even|weighted",
            help="How tokens are split over copies of an expert: evenly, or as makes the fullest rank emptiest.",
        ),
    ] = "weighted",
    no_buffer: Annotated[
        bool, typer.Option("--no-buffer", help="Break circles through free slots where there are any.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the new plan; for new routings only.")
    ] = None,
    budget_s: Annotated[
        float, typer.Option(metavar="SECONDS", help="Wall seconds for the bound of the new plan; 0 for none.")
    ] = 10.0,
    json_: Annotated[bool, typer.Option("--json", help="Print layouts and all steps as JSON.")] = False,
) -> None:
    """Re-place the experts of a plan with few moves: after drift, for lost devices, for devices that join."""
    from placer.cli.quantity import quantity
    from placer.plan.files import load_plan
    from placer.replan.devices import parse_devices
    from placer.replan.order import Relief
    from placer.replan.redone import redone_plan
    from placer.replan.replan import replan
    from placer.replan.request import Request
    from placer.replan.stage import assert_planned
    from placer.units import Dimension

    old = load_plan(plan)
    assert_planned(old, str(plan))
    fleet = old.scenario.fleet
    request = Request(
        drift=_drift(old, routing),
        has_new_routing=routing is not None,
        lost=parse_devices(fleet, lost or (), "--lost"),
        added=parse_devices(fleet, add or (), "--add"),
        max_move_bytes=None
        if max_move_bytes is None
        else quantity(max_move_bytes, Dimension.BYTES, "--max-move-bytes"),
        storage_bytes_per_s=quantity(storage, Dimension.BYTES_PER_SECOND, "--storage"),
        shares=_shares(shares),
        relief=Relief.FREE_SLOT if no_buffer else Relief.BUFFER,
    )
    if not (math.isfinite(budget_s) and budget_s >= 0):
        raise InputError(f"expected seconds, 0 or more, got {budget_s!r}", where="--budget-s")
    if output is not None:
        _assert_writable(output, request, old)
    done = replan(old.decode_part(), request, str(plan))
    if output is not None:
        _write(redone_plan(old, request, done, _bound_search(budget_s)), output)
    if json_:
        emit_json(done.report.model_dump(mode="json"))
    else:
        from placer.report.replanning import render_replanning

        render(render_replanning(done.report))


def _drift(plan: Plan, text: str | None) -> Drift:
    from placer.cli import workload
    from placer.graph.lower import lower
    from placer.replan.drift import drift_of
    from placer.scenario.routing import RoutingProfile

    profile = plan.scenario.workload.routing
    if text is not None:
        profile = RoutingProfile.model_validate(workload.routing(text))
    return drift_of(profile, lower(plan.scenario.model), text or profile.label)


def _shares(text: str) -> Shares:
    from placer.plan.replanning import Shares

    if text not in list(Shares):
        raise InputError(f"expected {' or '.join(Shares)}, got {text!r}", where="--shares")
    return Shares(text)


def _assert_writable(output: Path, request: Request, old: Plan) -> None:
    if not output.parent.is_dir():
        raise InputError("no such folder", where=str(output.parent))
    reason = ""
    if request.lost or request.added:
        reason = "a plan's stages are whole blocks of devices"
    if old.phases is not None:
        reason = "prefill would have to be planned again; expected a plan made with --phase decode"
    if reason:
        raise InputError(f"cannot be written as a plan: {reason}; --json has the layouts", where="--output")


def _bound_search(budget_s: float) -> SolveParams | None:
    from placer.api import DEFAULT_GAP
    from placer.search.params import SolveParams

    return SolveParams(relative_gap=DEFAULT_GAP, budget_s=budget_s) if budget_s else None


def _write(new: Plan, output: Path) -> None:
    from placer.certify import certify
    from placer.plan.files import save_plan

    findings = certify(new).findings
    if findings:
        raise InputError(f"the new plan does not hold, so it is not written: {findings[0]}", where=str(output))
    save_plan(new, output)
    say("wrote", str(output))
