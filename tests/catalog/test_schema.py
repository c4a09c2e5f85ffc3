"""The JSON Schema of a fleet file: what it asks for is what the loader asks for."""

from __future__ import annotations

import itertools

import pytest
import yaml

from placer.catalog.fleet import Fleet
from placer.catalog.loader import fleet_names
from placer.catalog.schema import fleet_schema, model_schema
from placer.model.catalog import model_paths
from placer.paths import catalog_root

KINDS = {
    **{"string": str, "integer": int, "number": (int, float), "boolean": bool},
    **{"array": list, "object": dict, "null": type(None)},
}


def findings(value, schema, root, where=""):
    """Check what our schemas use of JSON Schema; anything unknown to it fails the test."""
    if "$ref" in schema:
        return findings(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, where)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        tried = [findings(value, option, root, where) for option in options]
        return [] if [] in tried else [f"{where}: none of {len(tried)} fits", *itertools.chain(*tried)]
    if "const" in schema or "enum" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        return [] if value in allowed else [f"{where}: {value!r} not in {allowed}"]
    kind = KINDS[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return [f"{where}: {value!r} is no {schema['type']}"]
    return _inner_findings(value, schema, root, where)


def _inner_findings(value, schema, root, where):
    if isinstance(value, dict):
        return _object_findings(value, schema, root, where)
    if isinstance(value, list):
        items = schema.get("prefixItems") or [schema["items"]] * len(value)
        pairs = enumerate(zip(value, items, strict=True))
        return [one for index, (item, rule) in pairs for one in findings(item, rule, root, f"{where}[{index}]")]
    return []


def _object_findings(value, schema, root, where):
    known = schema.get("properties", {})
    other = schema.get("additionalProperties", False)
    found = [f"{where}.{name}: missing" for name in schema.get("required", ()) if name not in value]
    for name, item in value.items():
        rule = known.get(name, other)
        found += findings(item, rule, root, f"{where}.{name}") if rule else [f"{where}.{name}: unknown"]
    return found


@pytest.mark.parametrize("name", fleet_names())
def test_our_fleets_fit_the_schema(name):
    schema = fleet_schema()
    raw = yaml.safe_load((catalog_root() / "fleets" / "fleets" / f"{name}.yaml").read_text())
    assert findings(raw, schema, schema) == []


@pytest.mark.parametrize("name", model_paths())
def test_our_models_fit_the_schema(name):
    schema = model_schema()
    assert findings(yaml.safe_load(model_paths()[name].read_text()), schema, schema) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"pools": [{"name": "a", "device": "x", "count": "8"}]}, ".pools[0].count: '8' is no integer"),
        ({"pools": [{"name": "a", "count": 8}]}, ".pools[0].device: missing"),
        ({"extra": 1}, ".extra: unknown"),
        ({"price_basis": None}, ".price_basis: None is no string"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(change, finding):
    schema = fleet_schema()
    raw = {"name": "lab", "price_basis": "tco", "pools": [{"name": "a", "device": "x", "count": 8}]}
    assert findings(raw, schema, schema) == []
    assert finding in findings(raw | change, schema, schema)


def test_quantities_are_text_with_a_unit():
    definitions = fleet_schema()["$defs"]
    for field in ("capacity", "bandwidth"):
        assert definitions["MemoryTier"]["properties"][field]["type"] == "string"
    assert "141 GB" in definitions["MemoryTier"]["properties"]["capacity"]["description"]


def test_a_name_within_a_definition_may_be_left_out_and_nothing_else():
    definitions = fleet_schema()["$defs"]
    needed = Fleet.model_json_schema()["$defs"]
    for kind in ("Device", "Link"):
        assert set(needed[kind]["required"]) - set(definitions[kind]["required"]) == {"name"}
