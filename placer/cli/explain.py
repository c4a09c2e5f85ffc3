"""``placer explain``: why a plan is as fast as it is, down to layers and devices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placer.cli.output import emit_json, render
from placer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placer.plan.hot import HotExplained
    from placer.verify.context import Context


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
    hot: Annotated[
        bool, typer.Option("--hot", help="Hot experts of split layers: what they save, and what limits them.")
    ] = False,
    routing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROFILE",
            help="With --hot: score the choice of experts under this routing too, as of placer plan; repeatable.",
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Explain a plan: its fullest device, the layers whose balance costs most, the swap that would help, what binds."""
    from placer.explain.device import explain_device
    from placer.explain.layer import explain_layer
    from placer.explain.summary import explain_plan
    from placer.plan.files import load_plan
    from placer.report import explanation as report
    from placer.report.hot import render_hot
    from placer.verify.context import context_of

    if (layer is not None) + (device is not None) + hot > 1:
        raise InputError("give one of --layer, --device and --hot", where="--layer")
    if routing and not hot:
        raise InputError("routing is for --hot", where="--routing")
    found = load_plan(plan).decode_part()
    context = context_of(found)
    if context is None:
        raise InputError(f"expected a plan with a placement, got one that is {found.status}", where=str(plan))
    if hot:
        choice = _hot(context, routing or ())
        shown, value = render_hot(choice), choice.model_dump(mode="json")
    elif layer is not None:
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


def _hot(context: Context, routings: Sequence[str]) -> HotExplained:
    from placer.cli import workload
    from placer.explain.hot import explain_hot
    from placer.explain.hot_outside import DRAWS, score_outside
    from placer.scenario.routing import RoutingProfile

    own = context.scenario.workload.routing
    others = [(text.rpartition("/")[2], RoutingProfile.model_validate(workload.routing(text))) for text in routings]
    is_split = any(len(layer.ffn) > 1 for layer in context.placement.layers)
    outside = score_outside(context, [(f"{own.label} (the plan's)", own), *others]) if others and is_split else ()
    return explain_hot(context, outside, DRAWS if outside else 0)
