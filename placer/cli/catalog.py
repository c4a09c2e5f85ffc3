"""``placer devices``, ``fleets``, ``tiers``, ``models``: what is known, and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from placer.cli.output import emit, emit_json, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel
    from rich.console import RenderableType

    from placer.catalog.device import Device
    from placer.catalog.fleet import Fleet
    from placer.catalog.template import Template
    from placer.catalog.tier import KvTier
    from placer.model.spec import ModelSpec
    from placer.report.catalog_json import DeviceRow, FleetRow, ModelRow
    from placer.report.lowering_json import Lowering

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Shelf(Protocol):
    """One part of the catalog and how it is shown; what it needs is imported when it is asked."""

    name: str
    about: str

    def rows(self) -> Sequence[BaseModel]:
        """Return the lines of the listing."""

    def table(self) -> RenderableType:
        """Return the listing for people."""

    def load(self, name: str) -> BaseModel:
        """Return one entry by name or path."""

    def detail(self, name: str) -> RenderableType:
        """Return one entry in full, for people."""

    def apart(self) -> dict[str, Sequence[BaseModel]]:
        """Return lines that the listing has apart from the others, by what they are called."""


class DeviceShelf:
    """The accelerators."""

    name = "devices"
    about = "List accelerators, or show one with its sources."

    def rows(self) -> tuple[DeviceRow, ...]:
        """Return the lines of the listing."""
        from placer.catalog.loader import device_names, load_device
        from placer.report.catalog_json import device_row

        return tuple(device_row(load_device(name)) for name in device_names())

    def table(self) -> RenderableType:
        """Return the listing for people."""
        from placer.report.catalog import render_devices

        return render_devices(self.rows())

    def load(self, name: str) -> Device:
        """Return a device by name."""
        from placer.catalog.loader import load_device

        return load_device(name)

    def detail(self, name: str) -> RenderableType:
        """Return a device in full, for people."""
        from placer.report.catalog_detail import render_device

        return render_device(self.load(name))

    def apart(self) -> dict[str, Sequence[BaseModel]]:
        """Return nothing: all devices are alike."""
        return {}


class FleetShelf:
    """The fleets."""

    name = "fleets"
    about = "List fleets and templates, show one with its sources, or write a template out to fill in."

    def rows(self) -> tuple[FleetRow, ...]:
        """Return the lines of the listing."""
        from placer.catalog.loader import fleet_names, load_fleet
        from placer.report.catalog_json import fleet_row

        return tuple(fleet_row(load_fleet(name)) for name in fleet_names())

    def table(self) -> RenderableType:
        """Return the listing for people."""
        from placer.report.catalog import render_fleets
        from placer.report.template import with_templates

        return with_templates(render_fleets(self.rows()), self._templates())

    def load(self, name: str) -> Fleet | Template:
        """Return a fleet by name or path, or a template by name."""
        from placer.catalog.loader import load_fleet
        from placer.catalog.template import find_template, read_template

        path = find_template(name)
        return load_fleet(name) if path is None else read_template(path)

    def detail(self, name: str) -> RenderableType:
        """Return a fleet in full, or what a template demands, for people."""
        from placer.catalog.template import Template
        from placer.report.catalog_detail import render_fleet
        from placer.report.template import render_template

        found = self.load(name)
        return render_template(found) if isinstance(found, Template) else render_fleet(found)

    def apart(self) -> dict[str, Sequence[BaseModel]]:
        """Return the templates, whose figures are the user's to give."""
        return {"templates": self._templates()}

    def _templates(self) -> tuple[Template, ...]:
        from placer.catalog.template import read_template, template_paths

        return tuple(map(read_template, template_paths().values()))


class TierShelf:
    """The KV tiers beside the devices."""

    name = "tiers"
    about = "List tiers that keep paused KV cache, or show one with its sources."

    def rows(self) -> tuple[KvTier, ...]:
        """Return the lines of the listing."""
        from placer.catalog.loader import load_tier, tier_names

        return tuple(map(load_tier, tier_names()))

    def table(self) -> RenderableType:
        """Return the listing for people."""
        from placer.report.tiers import render_tiers

        return render_tiers(self.rows())

    def load(self, name: str) -> KvTier:
        """Return a tier by name."""
        from placer.catalog.loader import load_tier

        return load_tier(name)

    def detail(self, name: str) -> RenderableType:
        """Return a tier in full, for people."""
        from placer.report.tiers import render_tier

        return render_tier(self.load(name))

    def apart(self) -> dict[str, Sequence[BaseModel]]:
        """Return nothing: all tiers are alike."""
        return {}


class ModelShelf:
    """The models."""

    name = "models"
    about = "List models, or show one."

    def rows(self) -> tuple[ModelRow, ...]:
        """Return the lines of the listing."""
        from placer.model.catalog import load_model, model_paths
        from placer.report.catalog_json import model_row

        specs = [load_model(name) for name in model_paths()]
        return tuple(model_row(spec, _lowering(spec)) for spec in specs)

    def table(self) -> RenderableType:
        """Return the listing for people."""
        from placer.report.catalog import render_models

        return render_models(self.rows())

    def load(self, name: str) -> ModelSpec:
        """Return a model by name, alias or path."""
        from placer.model.catalog import load_model

        return load_model(name)

    def detail(self, name: str) -> RenderableType:
        """Return a model in full, for people."""
        from placer.report.catalog_detail import render_model

        spec = self.load(name)
        return render_model(spec, _lowering(spec))

    def apart(self) -> dict[str, Sequence[BaseModel]]:
        """Return nothing: all models are alike."""
        return {}


def _lowering(spec: ModelSpec) -> Lowering:
    from placer.graph.lower import lower
    from placer.report.lowering_json import summarize

    return summarize(lower(spec), context=1, batch=1)


SHELVES: tuple[Shelf, ...] = (DeviceShelf(), FleetShelf(), TierShelf(), ModelShelf())


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for shelf in SHELVES:
        commands = _commands(shelf)
        if shelf.name == FleetShelf.name:
            commands.command("template")(write_template)
        app.add_typer(commands, name=shelf.name, help=shelf.about)


def write_template(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A template of `placer fleets`.")],
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="New file; standard output by default.")
    ] = None,
) -> None:
    """Write a template out, comments included, for figures of your own."""
    from placer.catalog.template import find_template, template_paths, template_text
    from placer.errors import CatalogError, InputError, nearest_hint

    path = find_template(name)
    if path is None:
        known = ", ".join(template_paths())
        hint = nearest_hint(name, template_paths())
        raise CatalogError(f'unknown template "{name}"{hint}; there are {known}')
    if output is not None and output.is_file():
        raise InputError("exists; figures filled in there would be lost", where=str(output))
    emit(template_text(path), output)


def _commands(shelf: Shelf) -> typer.Typer:
    group = typer.Typer()

    def list_all(*, json_: JsonFlag = False) -> None:
        """List all."""
        if json_:
            from placer.report.catalog_json import SCHEMA_VERSION

            rows = [row.model_dump(mode="json") for row in shelf.rows()]
            apart = {name: [row.model_dump(mode="json") for row in group] for name, group in shelf.apart().items()}
            emit_json({"schema_version": SCHEMA_VERSION, shelf.name: rows, **apart})
        else:
            render(shelf.table())

    def bare(context: typer.Context, *, json_: JsonFlag = False) -> None:
        if context.invoked_subcommand is None:
            list_all(json_=json_)

    def show(
        name: Annotated[str, typer.Argument(metavar="NAME", help="Catalog name; fleets and models: or a path.")],
        *,
        json_: JsonFlag = False,
    ) -> None:
        """Show one in full, with its sources."""
        if json_:
            emit_json(shelf.load(name).model_dump(mode="json"))
        else:
            render(shelf.detail(name))

    group.callback(invoke_without_command=True)(bare)
    group.command("list")(list_all)
    group.command("show")(show)
    return group
