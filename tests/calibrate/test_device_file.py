"""What is written is a device the catalog reads, every figure with its source."""

import dataclasses

import pytest
import yaml

from placer.calibrate.device_file import Money, build_device, check_request, write_device
from placer.catalog.device import Device
from placer.catalog.kernel import KernelFamily
from placer.catalog.loader import load_fleet
from placer.catalog.source import SourceKind, source_of
from placer.errors import InputError
from placer.files import read_mapping
from placer.validate import validated
from tests.calibrate.results import MACHINE, calibration


def test_the_file_reads_back_as_the_device(tmp_path):
    device = build_device("mine", calibration(), Money(usd_per_hour=0.5, watts=120))
    path = tmp_path / "mine.yaml"
    write_device(path, device, calibration())
    assert validated(Device, read_mapping(path), str(path)) == device
    assert path.read_text().startswith("# some CPU, 4 threads: measured by `placer calibrate` on 2026-01-02")
    assert [item.name for item in tmp_path.iterdir()] == ["mine.yaml"]


def test_efficiencies_are_shares_of_the_peaks():
    device = build_device("mine", calibration(), Money())
    gemm = device.kernel(KernelFamily.GEMM)
    assert (gemm.mbu, gemm.mfu, gemm.floor) == (0.5, 0.625, pytest.approx(30e-6))
    assert device.compute_tier.bandwidth == 40e9
    assert device.usable_bytes == int(MACHINE.memory_bytes * 0.875)


def test_a_rate_above_the_peak_counts_as_the_peak():
    device = build_device("mine", calibration(bytes_per_s=80e9), Money())
    assert device.kernel(KernelFamily.ATTENTION).mbu == 1.0


def test_every_figure_is_cited_and_only_guesses_are_estimates():
    device = build_device("mine", calibration(), Money())
    assert not [name for name in (*device.figures, "price.on_demand") if source_of(name, device.sources) is None]
    assert device.estimates("on_demand") == ("power", "price.on_demand")
    told = build_device("mine", calibration(), Money(usd_per_hour=0.5, watts=120, basis="tco"))
    assert told.estimates("tco") == ()
    assert source_of("kernels.gemm", told.sources).kind is SourceKind.MEASURED
    assert "median 8 %, p90 21 % on 10 held-out rows" in source_of("kernels.gemm", told.sources).note


def test_an_accelerator_is_priced_as_one():
    cuda = MACHINE.model_copy(update={"kind": "cuda"})
    device = build_device("gpu", calibration(cuda), Money())
    assert device.memory[0].tier == "hbm"
    assert device.price["on_demand"] > build_device("cpu", calibration(), Money()).price["on_demand"]


def test_a_fleet_can_hold_it(tmp_path):
    device = build_device("mine", calibration(), Money())
    path = tmp_path / "mine.yaml"
    write_device(path, device, calibration())
    fleet = {
        "name": "desk",
        "price_basis": "on_demand",
        "devices": {"mine": yaml.safe_load(path.read_text())},
        "pools": [{"name": "cpu", "device": "mine", "count": 1}],
    }
    (tmp_path / "desk.yaml").write_text(yaml.safe_dump(fleet))
    assert load_fleet(str(tmp_path / "desk.yaml")).devices["mine"] == device


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("mine.txt", {}, r"--output .*: expected a name that ends in one of \['.yaml', '.yml'\]"),
        ("nowhere/mine.yaml", {}, "no such folder"),
        ("mine.yaml", {"usd_per_hour": 0.0}, "--usd-per-hour: expected a number above 0"),
        ("mine.yaml", {"watts": float("nan")}, "--watts: expected a number above 0"),
        ("mine.yaml", {"basis": " "}, "--price-basis: expected a name"),
    ],
)
def test_what_would_fail_at_the_end_fails_at_once(tmp_path, name, change, message):
    with pytest.raises(InputError, match=message):
        check_request(tmp_path / name, dataclasses.replace(Money(), **change))
