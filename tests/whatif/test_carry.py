"""What is carried from one value of a figure to another is what a search finds there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.api import plan_scenario
from placer.errors import InternalError
from placer.plan.plan import Status
from placer.whatif.asked import speed_knob
from placer.whatif.carry import carried
from placer.whatif.devices import bandwidth_knob, price_knob
from placer.whatif.floor import floor_at
from placer.whatif.verdict import Side, side_of
from tests.whatif.known import at_speed, known

SIDECAR = known("sidecar-for-ffn")


def solved(scenario):
    return side_of(plan_scenario(scenario, gap=0.0), "")


def nothing():
    return Side(
        status=Status.UNDECIDED,
        usd=None,
        bound_usd=None,
        devices={},
        mode="",
        tokens_per_s_per_user=None,
        pool_share={},
        question_key="",
    )


@pytest.mark.parametrize("pool", ["sram", "hbm"])
def test_a_plan_at_another_price_costs_what_a_search_finds(pool):
    knob = price_knob(SIDECAR, pool)
    value = knob.value * 1.7
    there = solved(knob.at(value))
    brought = carried(knob, value, nothing(), [(knob.value, solved(SIDECAR))])
    assert brought.usd == pytest.approx(there.usd, rel=1e-9)
    assert brought.pool_share == pytest.approx(there.pool_share)
    assert brought.found_at == knob.value


def test_an_owned_chip_is_repriced_by_its_rent_not_by_what_it_costs_to_buy():
    scenario = known("owned-chips")
    knob = price_knob(scenario, "cool")
    value = knob.value * 1.1
    brought = carried(knob, value, nothing(), [(knob.value, solved(scenario))])
    assert brought.usd == pytest.approx(solved(knob.at(value)).usd, rel=1e-9)


def test_a_plan_for_a_faster_user_serves_a_slower_one_and_not_the_other_way_around():
    scenario = at_speed(known("sram-wins"), 20.0)
    knob, side = speed_knob(scenario), solved(scenario)
    assert carried(knob, 5.0, nothing(), [(20.0, side)]).usd == side.usd
    assert carried(knob, 30.0, nothing(), [(20.0, side)]).usd is None
    assert carried(bandwidth_knob(scenario, "hbm"), 1e9, nothing(), [(1880.0, side)]).usd is None


def test_under_a_cap_on_cost_no_plan_is_repriced():
    target = SIDECAR.target.model_copy(update={"cost_cap": 100.0})
    knob = price_knob(SIDECAR.model_copy(update={"target": target}), "sram")
    assert carried(knob, 0.05, nothing(), [(knob.value, solved(SIDECAR))]).usd is None


def test_a_plan_below_its_bound_is_our_bug():
    knob = price_knob(SIDECAR, "sram")
    cheap = solved(SIDECAR)
    dear = cheap.model_copy(update={"bound_usd": 2 * cheap.usd, "usd": 3 * cheap.usd})
    with pytest.raises(InternalError, match="its bound is"):
        carried(knob, 0.05, cheap, [(0.04, dear)])


@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0), st.floats(0.1, 10.0), st.lists(st.floats(0.0, 3.0), min_size=1))
def test_floors_lie_under_the_least_of_any_plans(base, slope, at, others):
    # Costs of plans are lines in a price: the least of some of them.
    lines = [(base + index, slope / (index + 1)) for index in range(4)]

    def least(value):
        return min(start + rise * value for start, rise in lines)

    proven = [(value, least(value)) for value in others]
    floor = floor_at(price_knob(SIDECAR, "sram"), at, proven)
    assert floor <= least(at) * (1.0 + 1e-12)
    if any(value <= at for value in others):
        assert floor >= least(max(value for value in others if value <= at)) * (1.0 - 1e-12)


def test_nothing_is_known_beside_what_helps_or_hurts():
    falls, rises = bandwidth_knob(SIDECAR, "hbm"), speed_knob(SIDECAR)
    assert floor_at(falls, 1.0, [(2.0, 5.0)]) == 5.0
    assert floor_at(falls, 3.0, [(2.0, 5.0)]) == 0.0
    assert floor_at(rises, 3.0, [(2.0, 5.0)]) == 5.0
    assert floor_at(rises, 1.0, [(2.0, 5.0)]) == 0.0
    assert floor_at(rises, 3.0, [(2.0, float("inf"))]) == 0.0
