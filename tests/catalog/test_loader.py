"""The catalog loads whole; names in a user's file resolve or are answered with the nearest."""

from __future__ import annotations

import pytest
import yaml

from placer.catalog.kernel import KernelFamily
from placer.catalog.loader import device_names, fleet_names, link_names, load_device, load_fleet, load_link
from placer.errors import CatalogError
from placer.paths import catalog_root

LAB = """
name: lab
price_basis: tco
pools:
  - {name: a, device: b200-sxm, count: 8, unit: 8, domain: 8, scale_up: nvlink5-8}
  - {name: b, device: h200-sxm, count: 8, unit: 8, domain: 8, scale_up: nvlink4}
links:
  - {between: [a, b], link: ib-ndr400}
"""


def _lab(tmp_path, *replacements):
    text = LAB
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "lab.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", device_names())
def test_every_device_loads_under_the_name_of_its_file(name):
    assert load_device(name).name == name


@pytest.mark.parametrize("name", link_names())
def test_every_link_loads_under_the_name_of_its_file(name):
    assert load_link(name).name == name


@pytest.mark.parametrize("name", fleet_names())
def test_every_fleet_loads_with_all_it_names(name):
    fleet = load_fleet(name)
    assert fleet.name == name
    assert {pool.device for pool in fleet.pools} == set(fleet.devices)
    for pool in fleet.pools:
        assert fleet.price_basis in fleet.device_of(pool.name).price


@pytest.mark.parametrize("name", device_names())
def test_every_source_covers_a_figure_there_is(name):
    device = load_device(name)
    figures = {*device.figures, *(f"price.{basis}" for basis in device.price)}
    figures |= {f"memory.{tier.tier}" for tier in device.memory}
    for source in device.sources:
        for covered in source.covers:
            assert any(figure == covered or figure.startswith(f"{covered}.") for figure in figures), covered


@pytest.mark.parametrize("name", fleet_names())
def test_a_fleet_written_out_reads_back_the_same(name, tmp_path):
    fleet = load_fleet(name)
    path = tmp_path / "copy.yaml"
    path.write_text(yaml.safe_dump(fleet.model_dump(mode="json")))
    assert load_fleet(str(path)) == fleet


def test_a_users_fleet_takes_devices_from_the_catalog(tmp_path):
    fleet = load_fleet(_lab(tmp_path))
    assert fleet.device_of("b") == load_device("h200-sxm")
    assert fleet.cross_link("b", "a").link == "ib-ndr400"


def test_a_users_own_device_goes_before_the_catalogs(tmp_path):
    own = yaml.safe_load((catalog_root() / "fleets" / "devices" / "h200-sxm.yaml").read_text())
    own["power"] = "999 W"
    raw = yaml.safe_load(LAB) | {"devices": {"h200-sxm": own}}
    path = tmp_path / "lab.yaml"
    path.write_text(yaml.safe_dump(raw))
    assert load_fleet(str(path)).device_of("b").power == 999
    assert load_device("h200-sxm").power != 999


def test_a_device_defined_in_the_file_is_called_after_its_key(tmp_path):
    own = yaml.safe_load((catalog_root() / "fleets" / "devices" / "h200-sxm.yaml").read_text())
    del own["name"]
    raw = yaml.safe_load(LAB.replace("h200-sxm", "mine")) | {"devices": {"mine": own}}
    path = tmp_path / "lab.yaml"
    path.write_text(yaml.safe_dump(raw))
    assert load_fleet(str(path)).devices["mine"].name == "mine"


def test_a_fleet_file_needs_no_suffix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mylab").write_text(LAB)
    assert load_fleet("mylab").name == "lab"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("h200-sxm", "h200-sxn", 'pools[1].device: unknown device "h200-sxn"; did you mean "h200-sxm"?'),
        ("h200-sxm", "H200-SXM", 'pools[1].device: unknown device "H200-SXM"; did you mean "h200-sxm"?'),
        ("h200-sxm", "lp3", 'pools[1].device: unknown device "lp3"; did you mean "lp30"?'),
        ("nvlink4", "nvlink", 'pools[1].scale_up: unknown link "nvlink"; did you mean "nvlink4"?'),
        ("ib-ndr400", "ib-ndr40", 'links[0].link: unknown link "ib-ndr40"; did you mean "ib-ndr400"?'),
        ("[a, b]", "[a, c]", 'links[0].between: unknown pool "c"'),
    ],
)
def test_an_unknown_name_is_answered_from_the_whole_catalog(tmp_path, old, new, message):
    path = _lab(tmp_path, (old, new))
    with pytest.raises(CatalogError) as caught:
        load_fleet(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_hint_comes_from_the_files_own_devices_too(tmp_path):
    own = yaml.safe_load((catalog_root() / "fleets" / "devices" / "h200-sxm.yaml").read_text())
    raw = yaml.safe_load(LAB.replace("h200-sxm", "my-chip")) | {"devices": {"my-chips": own}}
    path = tmp_path / "lab.yaml"
    path.write_text(yaml.safe_dump(raw))
    with pytest.raises(CatalogError, match='unknown device "my-chip"; did you mean "my-chips"'):
        load_fleet(str(path))


def test_an_mla_kernel_falls_back_to_attention_where_a_device_has_none():
    device = load_device("lp30")
    assert device.kernel(KernelFamily.MLA) == device.kernel(KernelFamily.ATTENTION)
