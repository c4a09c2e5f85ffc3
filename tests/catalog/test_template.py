"""Templates demand every figure nobody has published, and plan once these are filled in."""

from __future__ import annotations

import re

import pytest
import yaml

from placer.api import plan, verify
from placer.catalog.loader import fleet_names, fleet_with, load_fleet
from placer.catalog.template import MARK, demands_of, find_template, read_template, template_paths, template_text
from placer.errors import CatalogError, MissingFiguresError

GAP = re.compile(r'"required: ([^"]*)"')
EXAMPLE = re.compile(r"such as ([\d.]+(?: (?:[kMGT]?B(?:/s)?|TFLOP/s|us|W|USD/h))?)")


def filled(name, *, instead=()):
    """Return the text of a template with every gap filled by the example its demand gives."""
    text = GAP.sub(lambda gap: EXAMPLE.search(gap.group(1)).group(1), template_text(find_template(name)))
    for old, new in instead:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@pytest.fixture
def mine(tmp_path):
    """Write a text to a fleet file and return its path."""

    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize("name", template_paths())
def test_a_template_is_called_after_its_file_and_is_no_fleet(name):
    template = read_template(find_template(name.upper()))
    assert template.name == name
    assert template.title
    assert name not in fleet_names()


@pytest.mark.parametrize("name", template_paths())
def test_a_template_is_refused_with_every_figure_it_lacks(name):
    with pytest.raises(MissingFiguresError) as caught:
        load_fleet(name)
    gaps = GAP.findall(template_text(find_template(name)))
    assert gaps
    assert [wanted for _, wanted in caught.value.figures] == gaps
    assert f"{len(gaps)} figures are not public" in str(caught.value)
    assert f"placer fleets template {name} -o mine.yaml" in str(caught.value)


@pytest.mark.parametrize("name", template_paths())
def test_filled_in_it_loads_and_the_users_figures_are_estimates(name, mine):
    fleet = load_fleet(mine(filled(name)))
    for own in yaml.safe_load(filled(name))["devices"]:
        device = fleet.devices[own]
        assert {"kernels.gemm", "power", "price.tco"} <= set(device.estimates("tco"))
        assert all(kernel.floor > 0 for kernel in device.kernels)


@pytest.mark.parametrize(("name", "pool"), [("matx-one", "matx"), ("sn50-16", "sn50"), ("tpu-sram-sidecar", "sidecar")])
def test_filled_in_it_plans_and_the_plan_verifies(name, pool, mine):
    fleet = load_fleet(mine(filled(name)))
    fleet = fleet.model_copy(update={"pools": (fleet.pool(pool),), "links": ()})
    answer = plan("llama-3.1-8b", fleet, tps_user=100, isl=1024, osl=256)
    assert answer.status == "planned"
    assert pool in {group.pool for group in answer.groups}
    assert any(figure.endswith("power") for figure in answer.provenance.estimates)
    assert verify(answer).status == "verified"


def test_a_figure_left_out_is_named_with_its_file(mine):
    text = filled("sn50-16").replace("power: 1000 W", f'power: "{MARK} power of one socket"')
    path = mine(text)
    with pytest.raises(MissingFiguresError, match=r"1 figure\(s\) .* filled in: devices\.sn50\.power") as caught:
        load_fleet(path)
    assert caught.value.where == path
    assert caught.value.figures == (("devices.sn50.power", "power of one socket"),)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("power: 1000 W", "power: 1000 GB", "devices.sn50.power: "),
        ("power: 1000 W", "power: 1000", "devices.sn50.power: "),
        ("bandwidth: 200 GB/s", "bandwidth: 200 GB", "link_types.sn50-fabric.bandwidth: "),
    ],
)
def test_a_wrong_unit_is_refused_with_file_and_field(old, new, message, mine):
    path = mine(filled("sn50-16", instead=[(old, new)]))
    with pytest.raises(CatalogError) as caught:
        load_fleet(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_no_question_about_a_device_finds_a_template():
    with pytest.raises(CatalogError, match="unknown device"):
        fleet_with("matx-one")


def test_demands_lie_wherever_values_do():
    raw = {"a": [1, "required: one", {"b": " required:  two "}], "c": "not required: three"}
    assert [(demand.field, demand.wanted) for demand in demands_of(raw)] == [("a[1]", "one"), ("a[2].b", "two")]
