"""Every figure of the catalog has a source, of the kind ``estimate`` where it is a guess."""

import pytest

from placer.catalog.loader import (
    device_names,
    fleet_names,
    link_names,
    load_device,
    load_fleet,
    load_link,
    load_tier,
    tier_names,
)
from placer.catalog.source import source_of
from placer.model.catalog import load_model, model_paths


@pytest.mark.parametrize("name", device_names())
def test_every_figure_of_a_device_is_cited(name):
    device = load_device(name)
    figures = [*device.figures, *(f"memory.{tier.tier}" for tier in device.memory)]
    figures += [f"price.{basis}" for basis in device.price]
    assert not [figure for figure in figures if source_of(figure, device.sources) is None]


@pytest.mark.parametrize("name", link_names())
def test_every_figure_of_a_link_is_cited(name):
    link = load_link(name)
    figures = ["bandwidth", "latency"]
    figures += [figure for figure in ("efficiency", "all_reduce", "all_to_all") if figure in link.model_fields_set]
    assert not [figure for figure in figures if source_of(figure, link.sources) is None]


@pytest.mark.parametrize("name", fleet_names())
def test_every_bandwidth_a_fleet_gives_is_cited(name):
    for cross in load_fleet(name).links:
        assert not cross.bandwidth or source_of("bandwidth", cross.sources) is not None


@pytest.mark.parametrize("name", model_paths())
def test_every_model_says_where_it_was_read_and_what_it_must_add_up_to(name):
    spec = load_model(name)
    assert spec.source
    assert spec.expected is not None
    assert "placer" not in spec.expected.source


@pytest.mark.parametrize("name", tier_names())
def test_every_figure_of_a_kv_tier_is_cited(name):
    tier = load_tier(name)
    assert tier.name == name
    assert all(source_of(figure, tier.sources) for figure in ("capacity", "bandwidth", "latency"))
