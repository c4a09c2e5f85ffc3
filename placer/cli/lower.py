"""``placer lower``: a model as ops, bytes and FLOPs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from placer.cli.output import emit, render, say
from placer.errors import InputError

if TYPE_CHECKING:
    from placer.graph.model_graph import ModelGraph


class Form(StrEnum):
    """What is printed."""

    TABLE = "table"
    JSON = "--json"
    GRAPHML = "--graphml"
    DOT = "--dot"


class _Step(NamedTuple):
    context: int
    batch: int


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("lower")(lower_command)


def lower_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Catalog id, alias, path of a config.json or model file.")
    ],
    context: Annotated[
        str, typer.Option(metavar="TOKENS", help="Tokens in the KV cache, such as 8192, 8k or 8Ki.")
    ] = "8192",
    batch: Annotated[str, typer.Option(metavar="NUMBER", help="Sequences decoded together.")] = "1",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    graphml: Annotated[bool, typer.Option("--graphml", help="Print the op graph as GraphML.")] = False,
    dot: Annotated[bool, typer.Option("--dot", help="Print the op graph as DOT.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")
    ] = None,
) -> None:
    """Lower a model to its graph of ops and say what it weighs."""
    from placer.graph.lower import lower
    from placer.model.catalog import load_model
    from placer.units import parse_count

    asked = {Form.JSON: json_, Form.GRAPHML: graphml, Form.DOT: dot}
    forms = [form for form, is_asked in asked.items() if is_asked]
    if len(forms) > 1:
        raise InputError(f"{' and '.join(forms)} exclude each other")
    num_context = parse_count(context, "--context")
    num_batch = parse_count(batch, "--batch")
    lowered = lower(load_model(model))
    longest = lowered.spec.max_context
    if longest and num_context > longest:
        say("warning", f"context {num_context:,} exceeds the model's longest, {longest:,}")
    _print(forms[0] if forms else Form.TABLE, lowered, _Step(num_context, num_batch), output)


def _print(form: Form, model: ModelGraph, step: _Step, output: Path | None) -> None:
    if form is Form.GRAPHML or form is Form.DOT:
        from placer.report.graph_export import render_dot, render_graphml

        emit(render_graphml(model) if form is Form.GRAPHML else render_dot(model), output)
        return
    from placer.report.lowering_json import summarize

    lowering = summarize(model, context=step.context, batch=step.batch)
    if form is Form.JSON:
        emit(lowering.to_json(), output)
        return
    from placer.report.lowering import render_lowering

    render(render_lowering(lowering), output)
