"""``placer explain``: why a plan is as fast as it is, down to layers and devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placer.cli.output import emit_json, render
from placer.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("explain")(explain_command)


def explain_command(
    *,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan file.")],
    layer: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Loads of this layer's expert ranks, and what would help.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="What this device, such as pool[3], holds and does.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Explain a plan: its fullest device, the layers whose balance costs most, the swap that would help, what binds."""
    from placer.explain.device import explain_device
    from placer.explain.layer import explain_layer
    from placer.explain.summary import explain_plan
    from placer.plan.files import load_plan
    from placer.report import explanation as report
    from placer.verify.context import context_of

    if layer is not None and device is not None:
        raise InputError("give --layer or --device, not both", where="--layer")
    found = load_plan(plan)
    context = context_of(found)
    if context is None:
        raise InputError(f"expected a plan with a placement, got one that is {found.status}", where=str(plan))
    if layer is not None:
        explained = explain_layer(context, layer)
        shown = report.render_layer(explained)
        value = explained.model_dump(mode="json", by_alias=True)
    elif device is not None:
        about = explain_device(context, device)
        shown, value = report.render_device(about), about.model_dump(mode="json", by_alias=True)
    else:
        summary = explain_plan(found, context)
        shown, value = report.render_summary(summary), summary.model_dump(mode="json", by_alias=True)
    if json_:
        emit_json(value)
    else:
        render(shown)
