"""Racks add up to what their makers say of them, and devices make physical sense."""

from __future__ import annotations

import pytest

from placer.catalog.device import TierKind, TierRole
from placer.catalog.loader import device_names, fleet_names, load_device, load_fleet, load_link


def rack(device, count, link=None):
    """Return what so many devices have together: capacity, bandwidth, best peak, and scale-up both ways."""
    found = load_device(device)
    tier = found.compute_tier
    both_ways = 2 * count * load_link(link).bandwidth if link else None
    return count * tier.capacity, count * tier.bandwidth, count * max(found.peak.values()), both_ways


@pytest.mark.parametrize(
    ("device", "count", "link", "capacity", "bandwidth", "peak", "scale_up"),
    [
        # NVIDIA: 20.7 TB, 1,580 TB/s, 260 TB/s; 35 PF FP4 each.
        ("rubin", 72, "nvlink6-72", 20.736e12, 1.584e15, 2.52e18, 259.2e12),
        # NVIDIA: 128 GB, 40 PB/s rounded up, 315 PF (9.6 a tray x 32 = 307.2), 640 TB/s.
        ("lp30", 256, "lpu3-c2c", 128e9, 38.4e15, 307.2e15, 640e12),
        # 13.8 TB (186 GB each is 13.4), 576 TB/s, 130 TB/s.
        ("gb200", 72, "nvlink5-72", None, 576e12, 720e15, 129.6e12),
        # AMD: 31 TB, 1.4 PB/s, 2.9 EF FP4, 260 TB/s.
        ("mi455x", 72, "ualoe-72", 31.104e12, 1.4112e15, 2.89872e18, 259.2e12),
        # AWS: 20.7 TB (144 GiB each), 706 TB/s, 362 PF FP8, 2.56 TB/s a chip.
        ("trn3", 144, "neuronlink-v4", 144 * 144 * 2**30, 705.6e12, 362.448e15, 368.64e12),
        # Google: 32 GiB and 918 TFLOP/s a chip, 256 chips a pod; INT8 is twice that.
        ("tpu-v6e", 256, None, 8 * 2**40, 419.84e12, 470.016e15, None),
        # d-Matrix: 128 GB of SRAM in a rack of 64 cards.
        ("corsair", 64, None, 128e9, 9.6e15, 614.4e15, None),
        # Cerebras: 1.98 TB in the cluster of 45.
        ("cs3", 45, None, 1.98e12, 945e15, 711e15, None),
        ("sn40l", 16, None, 1.024e12, 25.6e12, 10.208e15, None),
    ],
)
def test_a_rack_adds_up(device, count, link, capacity, bandwidth, peak, scale_up):
    total = rack(device, count, link)
    for found, expected in zip(total, (capacity, bandwidth, peak, scale_up), strict=True):
        assert expected is None or found == pytest.approx(expected)


def test_ddr_beside_an_lpx_rack_adds_up():
    (ddr,) = [tier for tier in load_device("lp30").memory if tier.tier is TierKind.DDR]
    assert 256 * ddr.capacity == pytest.approx(12.288e12)


@pytest.mark.parametrize("name", device_names())
def test_a_device_makes_physical_sense(name):
    device = load_device(name)
    tier = device.compute_tier
    turnover_s = tier.capacity / tier.bandwidth
    if tier.tier is TierKind.SRAM:
        # Microseconds to read all of it: floors decide, so there must be some (physics A4).
        assert turnover_s < 100e-6
        assert all(kernel.floor >= 0.5e-6 for kernel in device.kernels)
    else:
        assert 5e-3 < turnover_s < 1.0
        assert all(kernel.floor > 0 for kernel in device.kernels)
    offload = [each for each in device.memory if each.role is TierRole.OFFLOAD]
    assert all(each.bandwidth < tier.bandwidth for each in offload)


@pytest.mark.parametrize("name", fleet_names())
def test_every_fleet_is_priced_on_one_basis_and_most_on_tco(name):
    fleet = load_fleet(name)
    assert all(fleet.usd_per_hour(pool.name) is not None for pool in fleet.pools)
    assert fleet.price_basis == ("msi-table-3" if name == "h20-l40s" else "tco")
