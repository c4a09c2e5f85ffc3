"""``placer schema``: JSON Schema of the files a user writes and of what placer prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from placer.cli.output import emit_json
from placer.errors import InputError, nearest_hint


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("schema")(schema_command)


def schema_command(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="fleet, model or scenario file, or lowering: what lower --json prints."),
    ],
) -> None:
    """Print the JSON Schema of a kind of file."""
    if name not in SCHEMAS:
        known = ", ".join(SCHEMAS)
        raise InputError(f'unknown schema "{name}"{nearest_hint(name, SCHEMAS)}; known are {known}')
    emit_json(SCHEMAS[name]())


def _fleet() -> dict[str, Any]:
    from placer.catalog.schema import fleet_schema

    return fleet_schema()


def _model() -> dict[str, Any]:
    from placer.catalog.schema import model_schema

    return model_schema()


def _scenario() -> dict[str, Any]:
    from placer.portfolio.schema import scenario_schema

    return scenario_schema()


def _lowering() -> dict[str, Any]:
    from placer.report.lowering_json import Lowering

    return Lowering.model_json_schema(mode="serialization")


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "fleet": _fleet,
    "model": _model,
    "scenario": _scenario,
    "lowering": _lowering,
}
