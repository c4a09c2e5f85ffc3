"""JSON Schema of scenario files: what an editor needs to complete and check them."""

from __future__ import annotations

from typing import Any

from placer.catalog.schema import fleet_schema
from placer.scenario.portfolio import PortfolioScenario


def scenario_schema() -> dict[str, Any]:
    """Return the schema of a scenario file.

    Where an answer has a fleet or a model in full, a file may give its name or path; what the catalog fills in may be
    left out.
    """
    schema = PortfolioScenario.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    for owner, field in ((schema, "fleet"), (definitions["ServedModel"], "model")):
        given = owner["properties"][field]
        described = given.pop("description", "")
        owner["properties"][field] = {"anyOf": [{"type": "string"}, given], "description": described}
    tier = definitions["ColdTier"]
    tier["required"] = [name for name in tier["required"] if name not in {"capacity", "bandwidth"}]
    definitions |= {name: fleet_schema()["$defs"][name] for name in ("Device", "Link")}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "placer scenario file"}
