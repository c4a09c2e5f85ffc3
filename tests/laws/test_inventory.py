"""More to choose from never makes tokens dearer: more devices, finer units, one more pool.

Left out: a larger scale-up domain. Stages wider than a domain take whole domains, so that domains of two forbid the
stage of three devices that domains of one allow, and groups may then have to be packed and rented differently.
"""

import math
from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from placer.planner.planner import make_plan
from tests.laws.cramped import has_several_pools
from tests.laws.hold import EXAMPLES, PROOF, TOLERANCE, Rung, hold, never_dearer, price
from tests.laws.variants import with_fleet, with_pool, with_space, with_target
from tests.oracle.instances import scenarios


@st.composite
def more_devices(draw):
    """Draw a fleet that is short of devices: what it must serve takes several."""
    small = with_space(draw(scenarios()), max_rank_batch=2)
    scenario = with_target(small, tokens_per_s=draw(st.sampled_from([None, 20_000.0, 60_000.0])))
    ladder = [scenario]
    for pool in scenario.fleet.pools:
        least = max(pool.unit, pool.domain)
        ladder = [with_pool(rung, pool.name, count=least) for rung in ladder]
        ladder.append(with_pool(ladder[-1], pool.name, count=3 * least))
    return [Rung("more devices", rung) for rung in ladder]


def test_more_devices_are_never_dearer():
    hold(more_devices(), never_dearer)


@st.composite
def finer_units(draw):
    ladder = [with_space(draw(scenarios()), max_rank_batch=2)]
    for pool in ladder[0].fleet.pools:
        ladder = [with_pool(rung, pool.name, count=4, unit=4) for rung in ladder]
        ladder += [with_pool(ladder[-1], pool.name, unit=unit) for unit in (2, 1)]
    return [Rung("finer units", rung) for rung in ladder]


def test_finer_units_are_never_dearer():
    hold(finer_units(), never_dearer)


@st.composite
def more_pools(draw):
    scenario = with_target(draw(scenarios(most_pools=3).filter(has_several_pools)), required_pools=())
    fleets = [scenario.fleet]
    for name in draw(st.permutations([pool.name for pool in scenario.fleet.pools]))[1:]:
        fleets.append(fleets[-1].without_pool(name))
    return [
        Rung(f"{len(fleet.pools)} pools", with_fleet(scenario, pools=fleet.pools, links=fleet.links))
        for fleet in reversed(fleets)
    ]


def test_one_more_pool_is_never_dearer():
    hold(more_pools(), never_dearer)


def test_alternatives_are_the_optima_of_smaller_fleets():
    compared = Counter()

    @settings(derandomize=True, max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate])
    @given(scenarios().filter(has_several_pools))
    def check(drawn):
        scenario = with_target(drawn, required_pools=())
        for other in make_plan(scenario, PROOF).alternatives:
            fleet = scenario.fleet.without_pool(other.without_pool)
            expected = price(with_fleet(scenario, pools=fleet.pools, links=fleet.links))
            told = other.usd_per_million_output_tokens
            assert (math.inf if told is None else told) == pytest.approx(expected, rel=TOLERANCE)
            compared["none" if told is None else other.note or "dearer"] += 1

    check()
    assert compared["not in use"]
    assert compared["none"] + compared["dearer"]
