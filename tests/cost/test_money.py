import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.fleet import Fleet, Pool
from placer.cost.money import rental_table, rented_devices, usd_per_million_tokens
from placer.cost.shape import GroupShape

LAW = settings(derandomize=True, deadline=None)


def pool(count, unit, domain, name="p"):
    return Pool(name=name, device="device", count=count, unit=unit, domain=domain, scale_up="link", scale_out="link")


def shape(width, stages=1, name="p"):
    return GroupShape(name, stages, width, 1, 1)


def rented(pool_, shape_, *replicas):
    return rented_devices(pool_, shape_, np.array(replicas)).tolist()


@pytest.fixture(scope="module")
def make_fleet(make_device, make_link):
    def make(*pools) -> Fleet:
        device, link = make_device(), make_link()
        return Fleet(name="f", price_basis="tco", pools=pools, devices={"device": device}, link_types={"link": link})

    return make


@pytest.mark.parametrize(
    ("count", "unit", "domain", "width", "stages", "devices"),
    # Devices rented for 1, 2, 3 replicas.
    [
        (64, 1, 8, 4, 1, [4, 8, 12]),  # single devices
        (64, 8, 8, 4, 1, [8, 8, 16]),  # nodes of 8: two replicas share one, the third leaves half a node idle
        (64, 8, 8, 8, 1, [8, 16, 24]),
        (64, 8, 8, 4, 3, [16, 24, 40]),  # 3, 6, 9 stages of 4, two a node
        (64, 8, 8, 16, 1, [16, 32, 48]),  # wider than a domain: whole ones
        (288, 72, 72, 16, 1, [72, 72, 72]),  # racks
        (288, 72, 72, 16, 5, [144, 216, 288]),  # 5, 10, 15 stages of 16, four a rack: 2, 3, 4 racks
        (64, 8, 1, 1, 1, [8, 8, 8]),  # nodes of 8 without a fabric
        (64, 8, 1, 8, 1, [8, 16, 24]),
        (64, 4, 64, 2, 1, [4, 4, 8]),  # a unit is part of a domain
        (64, 16, 64, 32, 1, [32, 64, 96]),
        (96, 16, 8, 8, 1, [16, 16, 32]),  # a unit of two domains
        (96, 16, 8, 3, 1, [16, 16, 16]),
    ],
)
def test_whole_units_are_rented(count, unit, domain, width, stages, devices):
    assert rented(pool(count, unit, domain), shape(width, stages), 1, 2, 3) == devices


@cache
def least_devices(count, unit, domain, block, blocks):
    """Brute force: fill domain after domain with some blocks each, rent the units they touch."""
    if blocks == 0:
        return 0
    if count < block:
        return math.inf
    best = math.inf
    for here in range(min(blocks, min(domain, count) // block) + 1):
        rest = least_devices(count - min(domain, count), unit, domain, block, blocks - here)
        best = min(best, -(-(here * block) // unit) * unit + rest)
    return best


POOLS_AND_WIDTHS = [
    # Units inside domains, and every width of the declared space that divides the domain.
    (unit, domain, width)
    for unit, domain in ((1, 8), (2, 8), (4, 64), (16, 64), (8, 8), (72, 72), (8, 72), (24, 72))
    for width in range(1, domain + 1)
    if domain % width == 0 and (width % unit == 0 or unit % width == 0)
]


@LAW
@given(case=st.sampled_from(POOLS_AND_WIDTHS), num_domains=st.integers(1, 3), replicas=st.integers(1, 12))
def test_rental_is_the_least_that_holds_the_groups(case, num_domains, replicas):
    unit, domain, width = case
    count = domain * num_domains
    least = least_devices(count, unit, domain, width, replicas)
    ours = rented(pool(count, unit, domain), shape(width), replicas)[0]
    assert ours == least if least <= count else ours > count


def test_groups_that_do_not_fit_their_domains_are_not_offered(make_fleet):
    # Unit (8) inside the domain (72), width (16) that leaves a rest in it: domains run out before devices do.
    fleet = make_fleet(pool(144, 8, 72))
    assert least_devices(144, 8, 72, 16, 8) == 128
    assert least_devices(144, 8, 72, 16, 9) == math.inf
    assert rental_table(fleet, (shape(16),)).replicas.max() == 8


def test_stages_that_do_not_fit_their_domains_are_not_offered(make_fleet):
    # Five domains of 8 hold two stages of 3 each: ten stages, three groups of three; a fourth had 4 idle devices.
    assert rental_table(make_fleet(pool(40, 1, 8)), (shape(3, 3),)).replicas.max() == 3


def test_domains_are_filled_one_after_the_other():
    # docs/method.md, section 2. Units of 12, domains of 72, groups of 16, so 4 a domain and 8 devices left over:
    # 1 group touches 2 units, 2 (32 devices) 3, 3 (48) 4, 4 (64) 6, the fifth 2 of the next domain.
    # Dealt 3 + 2 instead, five groups would touch 4 + 3 units; the rule forgoes that.
    assert rented(pool(144, 12, 72), shape(16), 1, 2, 3, 4, 5) == [24, 36, 48, 72, 96]
    assert least_devices(144, 12, 72, 16, 5) == 84


@LAW
@given(
    sizes=st.sampled_from([(1, 8), (8, 8), (4, 64), (72, 72), (8, 1), (16, 8), (144, 72)]),
    width=st.integers(1, 8),
    stages=st.integers(1, 5),
    replicas=st.integers(1, 40),
)
def test_rental_covers_the_groups_in_whole_units_and_grows(sizes, width, stages, replicas):
    unit, domain = sizes
    width = width if domain >= width else domain * width
    pool_, shape_ = pool(10 * unit * domain, unit, domain), shape(width, stages)
    now, next_ = rented(pool_, shape_, replicas, replicas + 1)
    assert now % unit == 0
    assert now >= replicas * shape_.num_devices
    assert next_ >= now


def test_usd_per_million_tokens_by_hand():
    # G1: 1e6 c / (3600 r): 16 USD/h at 14,800 tokens/s = 0.300.
    assert usd_per_million_tokens(16, 14_800) == pytest.approx(0.3003, abs=0.00005)
    assert usd_per_million_tokens(7.2, 1_000) == pytest.approx(2.0)


def test_idle_devices_of_a_rack_are_paid_for(make_fleet):
    # A device costs 2 USD/h and takes 1 kW: one group of 16 rents a rack of 72.
    first = rental_table(make_fleet(pool(144, 72, 72)), (shape(16),)).rental(0)
    assert first.replicas == 1
    assert first.devices == {"p": 72}
    assert first.usd_per_hour == 144
    assert first.power_w == 72_000


def test_table_ends_where_the_inventory_does(make_fleet):
    table = rental_table(make_fleet(pool(144, 72, 72)), (shape(16),))
    assert table.replicas.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert table.devices[0].tolist() == [72] * 4 + [144] * 4


def test_pair_of_groups_pays_for_both_and_the_scarcer_pool_decides(make_fleet):
    fleet = make_fleet(pool(32, 8, 8, "host"), pool(24, 4, 8, "side"))
    table = rental_table(fleet, (shape(8, name="host"), shape(8, name="side")))
    assert table.pools == ("host", "side")
    assert table.replicas.tolist() == [1, 2, 3]
    assert table.usd_per_hour.tolist() == [32, 64, 96]
    assert table.power_w.tolist() == [16e3, 32e3, 48e3]


def test_group_larger_than_the_inventory_gives_an_empty_table(make_fleet):
    assert len(rental_table(make_fleet(pool(8, 8, 8)), (shape(8, 2),)).replicas) == 0


def test_caps_keep_what_costs_and_draws_no_more(make_fleet):
    table = rental_table(make_fleet(pool(64, 8, 8)), (shape(8),))
    assert table.within(None, None) is table
    assert table.within(48.0, None).replicas.tolist() == [1, 2, 3]
    assert table.within(48.0, 16e3).replicas.tolist() == [1, 2]
    assert table.within(47.9, None).replicas.tolist() == [1, 2]
    assert len(table.within(1.0, None).replicas) == 0
    assert table.within(None, 16e3).rental(1).devices == {"p": 16}
