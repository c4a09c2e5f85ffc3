"""The catalog for people: every figure with its source, guesses flagged."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from placer.catalog.loader import device_names, fleet_names, load_device, load_fleet
from placer.report.catalog_detail import render_device, render_fleet
from placer.report.catalog_json import device_row, fleet_row
from placer.report.figures import device_figures


def _text(renderable):
    stream = io.StringIO()
    Console(file=stream, width=400, markup=False).print(renderable)
    return stream.getvalue()


@pytest.mark.parametrize("name", device_names())
def test_the_flagged_figures_are_the_estimates(name):
    device = load_device(name)
    shown = {figure.name for figure in device_figures(device) if figure.is_estimate}
    counted = {figure for basis in device.price for figure in device.estimates(basis)}
    offload = {f"memory.{tier.tier}" for tier in device.memory if tier.role == "offload"}
    assert shown - offload == counted


@pytest.mark.parametrize("name", device_names())
def test_every_citation_is_shown(name):
    device = load_device(name)
    text = _text(render_device(device))
    for source in device.sources:
        assert source.cite in text


def test_a_figure_without_a_source_is_flagged():
    device = load_device("h200-sxm").model_copy(update={"sources": ()})
    assert all(figure.kind == "uncited" and figure.is_estimate for figure in device_figures(device))
    assert "UNCITED" in _text(render_device(device))


def test_text_in_brackets_is_not_read_as_markup():
    device = load_device("h200-sxm").model_copy(update={"title": "[bold]H200[/bold]"})
    assert "[bold]H200[/bold]" in _text(render_device(device))


@pytest.mark.parametrize("name", fleet_names())
def test_a_fleet_costs_the_sum_of_its_pools(name):
    fleet = load_fleet(name)
    expected = sum(fleet.device_of(pool.name).price[fleet.price_basis] * pool.count for pool in fleet.pools)
    assert fleet_row(fleet).usd_per_hour == pytest.approx(expected)


def test_a_fleet_with_a_price_missing_has_none():
    fleet = load_fleet("trainium2-cs3").model_copy(update={"price_basis": "contract"})
    assert fleet_row(fleet).usd_per_hour is None
    assert "no price for every pool" in _text(render_fleet(fleet))


def test_a_row_is_of_the_tier_ops_run_from():
    row = device_row(load_device("lp30"))
    assert (row.tier, row.capacity_bytes, row.bandwidth_bytes_per_s) == ("sram", 500e6, 150e12)


def test_a_device_tells_what_follows_from_its_peaks():
    # 1,200 TFLOP/s over 150 TB/s; 500 MB over 150 TB/s.
    assert "fp8 8; the whole memory is read in 3.333 us" in _text(render_device(load_device("lp30")))


def test_a_fleet_tells_what_a_unit_adds_up_to():
    # physics H5: an LPX rack of 256 chips, NVIDIA's 128 GB, 38.4 PB/s and 640 TB/s; an NVL72's 20.7 TB.
    rows = {
        line.split()[0]: line
        for line in _text(render_fleet(load_fleet("vera-rubin-nvl72-lpx"))).splitlines()
        if "PB/s" in line
    }
    assert all(figure in rows["lpx"] for figure in ("256", "128 GB", "38.4 PB/s", "307.2 PFLOP/s fp8", "640 TB/s"))
    assert all(figure in rows["rubin"] for figure in ("72", "20.74 TB", "1.584 PB/s"))
