"""``placer compare``: what differs between two plans, why one is cheaper, and what moving would take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placer.cli.output import emit_json, render, say
from placer.errors import InputError

if TYPE_CHECKING:
    from placer.plan.plan import Plan


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("compare")(compare_command)


def compare_command(
    *,
    a: Annotated[Path, typer.Argument(metavar="A", help="A plan file, or a refusal's.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one, of any question.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the comparison as JSON.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare two plans: what differs, why one is cheaper, what is proven of it, and what moving from A to B takes."""
    from placer.compare.compare import compare_plans
    from placer.files import write_atomic
    from placer.report.compare import render_comparison

    found = compare_plans(_plan(a), _plan(b), (str(a), str(b)))
    if output is not None:
        write_atomic(output, found.model_dump_json(indent=1) + "\n")
        say("wrote", str(output))
    if json_:
        emit_json(found.model_dump(mode="json"))
    else:
        render(render_comparison(found))


def _plan(path: Path) -> Plan:
    """Return the plan of a file; a portfolio has several."""
    from placer.plan.files import load_plan
    from placer.portfolio.files import is_portfolio

    if path.is_dir():
        names = ", ".join(sorted(each.name for each in path.glob("plan-*.json"))[:4])
        hint = f", such as one of {names} in it" if names else ""
        raise InputError(f"is a folder; expected the file of one plan{hint}", where=str(path))
    # A pipe can be read once only.
    if path.is_file() and is_portfolio(path):
        raise InputError("is a portfolio of several plans; expected one of the plan-*.json beside it", where=str(path))
    return load_plan(path)
