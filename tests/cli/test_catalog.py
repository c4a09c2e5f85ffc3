"""``placer devices``, ``fleets``, ``models`` and ``schema``."""

from __future__ import annotations

import json

import pytest

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet
from placer.catalog.loader import device_names, fleet_names, load_device, load_fleet, tier_names
from placer.catalog.template import Template, read_template, template_paths
from placer.model.catalog import load_model, model_paths
from placer.model.spec import ModelSpec

SHELVES = {"devices": device_names, "fleets": fleet_names, "tiers": tier_names, "models": model_paths}


@pytest.mark.parametrize("shelf", SHELVES)
def test_bare_command_and_list_are_the_same(placer, shelf):
    for form in ((), ("--json",)):
        bare, listed = placer(shelf, *form), placer(shelf, "list", *form)
        assert bare == listed
        assert (bare.code, bare.err) == (0, "")


@pytest.mark.parametrize("shelf", SHELVES)
def test_every_entry_is_listed(placer, shelf):
    raw = json.loads(placer(shelf, "--json").out)
    assert list(raw) == ["schema_version", shelf, *(["templates"] if shelf == "fleets" else [])]
    assert [entry["name"] for entry in raw[shelf]] == list(SHELVES[shelf]())
    table = placer(shelf).out
    assert all(name in table for name in SHELVES[shelf]())


@pytest.mark.parametrize("shelf", SHELVES)
def test_every_entry_can_be_shown(placer, shelf):
    for name in SHELVES[shelf]():
        result = placer(shelf, "show", name)
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith(name)


def test_what_is_shown_as_json_reads_back(placer):
    assert Device.model_validate_json(placer("devices", "show", "lp30", "--json").out) == load_device("lp30")
    fleet = placer("fleets", "show", "trainium2-cs3", "--json").out
    assert Fleet.model_validate_json(fleet) == load_fleet("trainium2-cs3")
    model = placer("models", "show", "gpt-oss-120b", "--json").out
    assert ModelSpec.model_validate_json(model) == load_model("gpt-oss-120b")


def test_names_are_found_in_any_case(placer):
    assert placer("devices", "show", "LP30") == placer("devices", "show", "lp30")
    assert placer("fleets", "show", "GB200-NVL72").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("devices", "show", "lp3"), 'unknown device "lp3"; did you mean "lp30"?'),
        (("fleets", "show", "gb200-nvl7"), 'unknown fleet "gb200-nvl7"; did you mean "gb200-nvl72"?'),
        (("models", "show", "deepsek-v3"), 'unknown model "deepsek-v3"; did you mean "deepseek-v3"?'),
        (("schema", "flet"), 'unknown schema "flet"; did you mean "fleet"?'),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(placer, arguments, message):
    result = placer(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")


def test_the_schema_of_a_fleet_file(placer):
    raw = json.loads(placer("schema", "fleet").out)
    assert raw["type"] == "object"
    assert set(raw["required"]) == {"name", "price_basis", "pools"}
    assert set(raw["properties"]) == set(Fleet.model_fields)
    assert raw["additionalProperties"] is False
    assert {"Pool", "CrossLink", "Device", "Link"} <= set(raw["$defs"])


@pytest.mark.parametrize("name", ["fleet", "model", "lowering"])
def test_every_schema_is_json(placer, name):
    result = placer("schema", name)
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["properties"]


def test_templates_are_listed_apart_from_fleets(placer):
    raw = json.loads(placer("fleets", "--json").out)
    assert [entry["name"] for entry in raw["templates"]] == list(template_paths())
    assert all(entry["demands"] for entry in raw["templates"])
    table = placer("fleets").out
    assert all(name in table for name in template_paths())


@pytest.mark.parametrize("name", template_paths())
def test_a_template_shows_what_it_demands(placer, name):
    result = placer("fleets", "show", name)
    assert (result.code, result.err) == (0, "")
    for demand in read_template(template_paths()[name]).demands:
        assert demand.field in result.out
    shown = json.loads(placer("fleets", "show", name, "--json").out)
    assert Template.model_validate(shown) == read_template(template_paths()[name])


def test_a_template_is_written_out_as_it_is_and_over_nothing(placer, tmp_path):
    path = tmp_path / "mine.yaml"
    assert placer("fleets", "template", "MATX-ONE", "-o", str(path)).code == 0
    assert path.read_text() == placer("fleets", "template", "matx-one").out == template_paths()["matx-one"].read_text()
    assert "# " in path.read_text()
    again = placer("fleets", "template", "sn50-16", "-o", str(path))
    assert (again.code, again.out) == (2, "")
    assert "would be lost" in again.err
    assert path.read_text() == template_paths()["matx-one"].read_text()


def test_an_unknown_template_is_answered_with_the_nearest(placer):
    result = placer("fleets", "template", "matx-on")
    assert result.code == 2
    assert 'unknown template "matx-on"; did you mean "matx-one"?' in result.err


def test_planning_on_a_template_names_every_figure_it_lacks(placer, tmp_path):
    output = tmp_path / "plan.json"
    arguments = ("--tps-user", "50", "-o", str(output))
    result = placer("plan", "llama-3.1-8b", "--fleet", "matx-one", *arguments)
    demands = read_template(template_paths()["matx-one"]).demands
    assert (result.code, result.out, output.exists()) == (2, "", False)
    assert result.err.splitlines()[1:] == [f"missing: {demand.field}: {demand.wanted}" for demand in demands]
