"""All-reduce over several scale-up domains."""

import pytest

from placer.catalog.link import Link
from placer.cost.collective import Beyond, all_reduce_s

NVLINK = Link(name="up", bandwidth="450 GB/s", latency="1 us", all_reduce=({"devices": 8, "latency": "4 us"},))
INFINIBAND = Link(name="out", bandwidth="50 GB/s", latency="5 us", all_reduce=({"devices": 8, "latency": "20 us"},))
BEYOND = Beyond(8, INFINIBAND)


def test_inside_one_domain_nothing_changes():
    assert all_reduce_s(NVLINK, 8, 1e6, BEYOND) == all_reduce_s(NVLINK, 8, 1e6)


def test_two_domains_by_hand():
    # Inside: 4 us + 2 x 7/8 x 16 MB / 450 GB/s. Between: 20 us + 2 x 1/2 x 2 MB / 50 GB/s for each device's share.
    inside, between = 4e-6 + 2 * 7 / 8 * 16e6 / 450e9, 20e-6 + 2 / 2 * 2e6 / 50e9
    assert all_reduce_s(NVLINK, 16, 16e6, BEYOND) == pytest.approx(inside + between, rel=1e-12)


def test_a_ramp_is_paid_once_and_in_full_for_large_messages():
    slow = Link(
        name="up",
        bandwidth="450 GB/s",
        latency="1 us",
        all_reduce=({"devices": 8, "latency": "4 us", "ramp": "30 us", "ramp_bytes": "1 MB"},),
    )
    assert all_reduce_s(slow, 8, 1e12) - all_reduce_s(NVLINK, 8, 1e12) == pytest.approx(30e-6, rel=1e-3)
    assert all_reduce_s(slow, 8, 8e6 / 14) - all_reduce_s(NVLINK, 8, 8e6 / 14) == pytest.approx(15e-6, rel=1e-9)
