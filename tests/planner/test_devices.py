from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.catalog.fleet import Pool
from placer.cost.money import rented_devices
from placer.cost.shape import GroupShape
from placer.planner.devices import first_devices


def pool(unit, domain, domains=40):
    count = unit * domain * domains
    return Pool(name="p", device="d", count=count, unit=unit, domain=domain, scale_up="link", scale_out="link")


def shape(width, stages=1):
    return GroupShape("p", stages, width, 1, 1)


@st.composite
def placed(draw):
    """A pool, a group of it (narrow, or of whole domains), and replicas."""
    unit, domain = draw(
        st.sampled_from([(1, 1), (1, 8), (2, 8), (8, 8), (12, 72), (8, 72), (72, 72), (8, 1), (16, 8), (144, 72)])
    )
    width = draw(st.integers(1, domain)) if draw(st.booleans()) else domain * draw(st.integers(1, 3))
    return pool(unit, domain), shape(width, draw(st.integers(1, 5))), draw(st.integers(1, 12))


def blocks(shape_, starts):
    return sorted((first, first + shape_.width) for first in chain.from_iterable(starts))


@given(placed())
def test_what_is_touched_is_what_is_rented(case):
    pool_, shape_, replicas = case
    starts = first_devices(pool_, shape_, replicas)
    units = {device // pool_.unit for first, end in blocks(shape_, starts) for device in range(first, end)}
    assert len(units) * pool_.unit == rented_devices(pool_, shape_, np.array([replicas]))[0]


@given(placed())
def test_no_device_serves_twice_and_every_stage_has_one_place(case):
    pool_, shape_, replicas = case
    starts = first_devices(pool_, shape_, replicas)
    assert [len(stages) for stages in starts] == [shape_.stages] * replicas
    ordered = blocks(shape_, starts)
    assert all(before[1] <= after[0] for before, after in pairwise(ordered))
    assert ordered[0][0] == 0


@given(placed())
def test_groups_or_stages_stay_in_domains(case):
    pool_, shape_, replicas = case
    for stages in first_devices(pool_, shape_, replicas):
        touched = [(first // pool_.domain, (first + shape_.width - 1) // pool_.domain) for first in stages]
        if shape_.num_devices <= pool_.domain:
            assert len(set(chain.from_iterable(touched))) == 1
        elif shape_.width <= pool_.domain:
            assert all(start == end for start, end in touched)
        else:
            assert all(first % pool_.domain == 0 for first in stages)


@given(placed())
def test_domains_are_filled_one_after_the_other(case):
    """A domain is only begun when no more blocks fit the one before."""
    pool_, shape_, replicas = case
    ordered = blocks(shape_, first_devices(pool_, shape_, replicas))
    if shape_.width > pool_.domain:
        assert ordered[-1][1] == len(ordered) * shape_.width
        return
    block = shape_.num_devices if shape_.num_devices <= pool_.domain else shape_.width
    used = [0] * (ordered[-1][1] // pool_.domain + 1)
    for first, end in ordered:
        used[first // pool_.domain] += end - first
    last = max(number for number, devices in enumerate(used) if devices)
    assert all(pool_.domain - devices < block for devices in used[:last])


@pytest.mark.parametrize(
    ("unit", "domain", "width", "stages", "expected"),
    [
        (8, 8, 4, 1, ((0,), (4,), (8,))),
        (8, 8, 3, 2, ((0, 3), (8, 11), (16, 19))),  # two stages of three in each domain
        (8, 8, 3, 3, ((0, 3, 8), (11, 16, 19), (24, 27, 32))),  # stages, two a domain
        (8, 8, 16, 1, ((0,), (16,), (32,))),
    ],
)
def test_by_hand(unit, domain, width, stages, expected):
    assert first_devices(pool(unit, domain), shape(width, stages), 3) == expected
