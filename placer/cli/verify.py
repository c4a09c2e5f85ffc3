"""``placer verify``: an independent check of a plan file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placer.cli.output import emit_json, render
from placer.errors import VerificationError

if TYPE_CHECKING:
    from placer.verify.finding import VerificationReport


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("verify")(verify_command)


def verify_command(
    *,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan file, or the portfolio.json of a scenario.")],
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check a plan: re-derive every number from the file, with code the search has no part in, and simulate it."""
    report = _report(plan)
    if json_:
        emit_json(report.model_dump(mode="json"))
    else:
        from placer.report.verification import render_verification

        render(render_verification(report))
    if report.status != "verified":
        raise VerificationError(f"{plan}: rejected, {len(report.findings)} finding(s)")


def _report(path: Path) -> VerificationReport:
    from placer.portfolio.files import is_portfolio, load_portfolio

    if is_portfolio(path):
        from placer.portfolio.certify import certify_portfolio

        return certify_portfolio(load_portfolio(path))
    from placer.certify import certify
    from placer.plan.files import load_plan

    return certify(load_plan(path))
