"""``placer lower``: a model as ops, bytes and FLOPs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from placer.cli.model import ModelArgument
from placer.cli.output import emit, render, say
from placer.cli.precision import ExpertsOption, KvOption, WeightsOption, with_formats
from placer.errors import InputError

if TYPE_CHECKING:
    from placer.graph.model_graph import ModelGraph
    from placer.model.checkpoint.tensors import TensorList


#: Counts that --expect takes: total and active parameters.
MOST_COUNTS = 2


class Form(StrEnum):
    """What is printed."""

    TABLE = "table"
    JSON = "--json"
    GRAPHML = "--graphml"
    DOT = "--dot"


class _Step(NamedTuple):
    contexts: tuple[int, ...]
    batch: int
    stored: TensorList | None


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("lower")(lower_command)


def lower_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    model: ModelArgument,
    context: Annotated[
        str, typer.Option(metavar="TOKENS", help="Tokens in the KV cache, such as 8192 or 8k; several as 1k,8k,128k.")
    ] = "8192",
    batch: Annotated[str, typer.Option(metavar="NUMBER", help="Sequences decoded together.")] = "1",
    weights: WeightsOption = None,
    experts: ExpertsOption = None,
    kv: KvOption = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    graphml: Annotated[bool, typer.Option("--graphml", help="Print the op graph as GraphML.")] = False,
    dot: Annotated[bool, typer.Option("--dot", help="Print the op graph as DOT.")] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the model in our own schema, as graphs/ holds it.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What --save calls the model.")] = None,
    alias: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Alias for --save; repeatable.")] = None,
    source: Annotated[str | None, typer.Option(metavar="TEXT", help="Source of the facts, for --save.")] = None,
    expect: Annotated[
        str | None,
        typer.Option(metavar="TOTAL[,ACTIVE]:SOURCE", help="Parameter counts from elsewhere, checked before --save."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")
    ] = None,
) -> None:
    """Lower a model to its graph of ops and say what it weighs."""
    from placer.graph.lower import lower
    from placer.model.catalog import load_stored
    from placer.units import parse_count

    asked = {Form.JSON: json_, Form.GRAPHML: graphml, Form.DOT: dot}
    forms = [form for form, is_asked in asked.items() if is_asked]
    if len(forms) > 1:
        raise InputError(f"{' and '.join(forms)} exclude each other")
    contexts = tuple(parse_count(one.strip(), "--context") for one in context.split(","))
    num_batch = parse_count(batch, "--batch")
    spec, stored = load_stored(model)
    lowered = lower(with_formats(spec, weights=weights, experts=experts, kv=kv))
    longest = lowered.spec.max_context
    if longest and max(contexts) > longest:
        say("warning", f"context {max(contexts):,} exceeds the model's longest, {longest:,}")
    if save is not None:
        _save(lowered, save, (name, alias or [], source, expect))
    _print(forms[0] if forms else Form.TABLE, lowered, _Step(contexts, num_batch, stored), output)


def _print(form: Form, model: ModelGraph, step: _Step, output: Path | None) -> None:
    if form is Form.GRAPHML or form is Form.DOT:
        from placer.report.graph_export import render_dot, render_graphml

        emit(render_graphml(model) if form is Form.GRAPHML else render_dot(model), output)
        return
    from placer.report.lowering_json import summarize

    first, *more = step.contexts
    lowering = summarize(model, context=first, batch=step.batch, more_contexts=tuple(more))
    if step.stored is not None and step.stored.tensors:
        from placer.report.reconcile import reconcile

        lowering = lowering.model_copy(update={"reconciliation": reconcile(model, step.stored)})
    if form is Form.JSON:
        emit(lowering.to_json(), output)
        return
    from placer.report.lowering import render_lowering

    render(render_lowering(lowering), output)


def _save(model: ModelGraph, path: Path, details: tuple[str | None, list[str], str | None, str | None]) -> None:
    """Write a model in our own schema, with the counts it must reproduce."""
    from placer.files import write_atomic
    from placer.model.spec import ExpectedParameters, ModelSpec
    from placer.report.model_file import checked, render_model_file
    from placer.validate import validated

    name, aliases, source, expect = details
    given = {"name": name, "aliases": aliases or None, "source": source}
    raw = model.spec.model_dump() | {field: value for field, value in given.items() if value is not None}
    if expect is not None:
        counts, _, origin = expect.partition(":")
        numbers = [int(count) for count in counts.split(",") if count.strip().isdecimal()]
        if not origin.strip() or len(numbers) != counts.count(",") + 1 or len(numbers) > MOST_COUNTS:
            raise InputError(f'expected "TOTAL[,ACTIVE]:SOURCE", got {expect!r}', where="--expect")
        total, active = (*numbers, None)[:MOST_COUNTS]
        raw["expected"] = checked(model, ExpectedParameters(total=total, active=active, source=origin.strip()))
    write_atomic(path, render_model_file(validated(ModelSpec, raw, "--save")))
    say("wrote", str(path))
