"""JSON Schema of the files a user writes: what an editor needs to complete and check them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from placer.catalog.fleet import Fleet
from placer.model.spec import ModelSpec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def fleet_schema() -> dict[str, Any]:
    """Return the schema of a fleet file; quantities are text with a unit.

    A device or link defined in the file is called after its key, so its own ``name`` may be left out.
    """
    schema = _schema(Fleet, "placer fleet file")
    for definition in ("Device", "Link"):
        required: list[str] = schema["$defs"][definition]["required"]
        required.remove("name")
    return schema


def model_schema() -> dict[str, Any]:
    """Return the schema of a model file in placer's own format."""
    return _schema(ModelSpec, "placer model file")


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    return {"$schema": _DIALECT, **model.model_json_schema(mode="validation"), "title": title}
