"""Fleets whose figures nobody has published: they demand them from the user, and plan once filled in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from placer.errors import MissingFiguresError
from placer.files import read_mapping, read_text
from placer.paths import catalog_root

#: What stands in a template for a figure that is not public; what it is, and its unit, follow.
MARK = "required:"


class Demand(BaseModel):
    """A figure that a template lacks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = Field(description="where it stands, such as devices.matx-one.memory[0].capacity")
    wanted: str = Field(description="what it is, and in which unit")


class Template(BaseModel):
    """A fleet file with gaps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="what commands call it")
    title: str = Field(description="one line for people")
    notes: tuple[str, ...] = Field(default=(), description="for people")
    demands: tuple[Demand, ...] = Field(description="figures to fill in, in the order of the file")


@cache
def template_paths() -> dict[str, Path]:
    """Return the templates of the catalog: files by name."""
    return {path.stem: path for path in sorted((catalog_root() / "fleets" / "templates").glob("*.yaml"))}


def find_template(name: str) -> Path | None:
    """Return the file of a template by its name in any case, None where there is none."""
    return {known.casefold(): path for known, path in template_paths().items()}.get(name.casefold())


@cache
def read_template(path: Path) -> Template:
    """Return a template: what it is, and what it demands."""
    raw = read_mapping(path)
    return Template(name=raw["name"], title=raw["title"], notes=raw.get("notes", ()), demands=tuple(demands_of(raw)))


def template_text(path: Path) -> str:
    """Return a template as it is written, comments included."""
    return read_text(path)


def demands_of(raw: object, field: str = "") -> Iterator[Demand]:
    """Yield the figures still to be filled in, in the order of the file.

    >>> list(demands_of({"power": "required: power of one chip, such as 700 W"}))
    [Demand(field='power', wanted='power of one chip, such as 700 W')]
    """
    if isinstance(raw, str):
        if raw.strip().startswith(MARK):
            yield Demand(field=field, wanted=raw.strip().removeprefix(MARK).strip())
    elif isinstance(raw, dict):
        for key, value in raw.items():
            yield from demands_of(value, f"{field}.{key}" if field else str(key))
    elif isinstance(raw, list):
        for index, value in enumerate(raw):
            yield from demands_of(value, f"{field}[{index}]")


def assert_filled_in(raw: dict[str, Any], where: str) -> None:
    """Raise if figures of a fleet file are still to be filled in.

    Raises
    ------
    MissingFiguresError
        With every one of them, and what is wanted; of a template of the catalog, also how to give them.
    """
    figures = tuple((demand.field, demand.wanted) for demand in demands_of(raw))
    if not figures:
        return
    path = template_paths().get(str(raw.get("name")))
    if path is None or str(path) != where:
        fields = ", ".join(field for field, _ in figures)
        raise MissingFiguresError(f"{len(figures)} figure(s) are still to be filled in: {fields}", figures, where=where)
    raise MissingFiguresError(
        f"a template: {len(figures)} figures are not public and must be yours; "
        f"`placer fleets template {path.stem} -o mine.yaml` writes it out to fill in, for --fleet mine.yaml",
        figures,
        where=path.stem,
    )
