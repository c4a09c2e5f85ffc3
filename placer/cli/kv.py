"""``placer kv``: what the KV cache of a batch weighs."""

from __future__ import annotations

from typing import Annotated

import typer

from placer.cli.model import ModelArgument
from placer.cli.output import emit
from placer.cli.precision import KvOption, with_formats


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("kv")(kv_command)


def kv_command(
    *,
    model: ModelArgument,
    context: Annotated[str, typer.Option(metavar="TOKENS", help="Tokens of every sequence, such as 131072 or 128Ki.")],
    batch: Annotated[str, typer.Option(metavar="NUMBER", help="Sequences.")] = "1",
    kv: KvOption = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what KV cache, indices and states of a batch weigh, with the arithmetic."""
    from placer.graph.lower import lower
    from placer.model.catalog import load_model
    from placer.report.kv import kv_answer
    from placer.units import parse_count

    spec = with_formats(load_model(model), kv=kv)
    answer = kv_answer(lower(spec), parse_count(context, "--context"), parse_count(batch, "--batch"))
    emit(answer.to_json() if json_ else answer.line() + "\n", None)
