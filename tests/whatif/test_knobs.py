"""Figures that are turned: what is written is read again, on record, and nowhere else."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from placer.api import build_scenario
from placer.errors import InputError
from placer.planner.provenance import estimates_in
from placer.scenario.scenario import Scenario, assert_consistent
from placer.whatif.devices import price_knob
from placer.whatif.knob import Effect
from placer.whatif.knobs import knobs_of
from placer.whatif.links import hop_latency_knob
from placer.whatif.without import without
from tests.laws.hold import TOLERANCE, price
from tests.oracle.instances import scenarios
from tests.whatif.known import known

FACTORS = st.sampled_from([0.3, 0.75, 1.25, 4.0])
QUIET = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def by_key(scenario):
    return {knob.key: knob for knob in knobs_of(scenario)}


@st.composite
def turned(draw, pick=bool):
    """A knob of a drawn scenario, and another value of it."""
    scenario = draw(scenarios())
    knobs = [knob for knob in knobs_of(scenario) if knob.value and pick(knob)]
    assume(knobs)
    knob = draw(st.sampled_from(knobs))
    value = knob.clipped(knob.value * draw(FACTORS))
    assume(value != knob.value)
    return knob, value


@settings(max_examples=40, **QUIET)
@given(turned())
def test_what_is_written_is_read_again(case):
    knob, value = case
    changed = knob.at(value)
    assert_consistent(Scenario.model_validate_json(changed.model_dump_json()))
    assert by_key(changed)[knob.key].value == pytest.approx(value, rel=1e-12)
    assert by_key(knob.base)[knob.key].value == knob.value
    assert knob.at(knob.value) is knob.base


@settings(max_examples=40, **QUIET)
@given(turned())
def test_nothing_else_is_turned(case):
    # Peaks and floors of one device are one figure; a link that two places share is cut in two.
    knob, value = case
    before, after = by_key(knob.base), by_key(knob.at(value))
    others = before.keys() - {knob.key}
    assert {key: after[key].value for key in others} == {key: before[key].value for key in others}


@settings(max_examples=40, **QUIET)
@given(turned(lambda knob: knob.figures))
def test_a_changed_figure_of_the_catalog_is_an_estimate(case):
    knob, value = case
    changed = knob.at(value)
    pools = tuple(pool.name for pool in changed.fleet.pools)
    after = by_key(changed)[knob.key]
    assert after.is_estimate
    assert set(after.figures) <= set(estimates_in(changed, pools)) | {f for f in after.figures if "peak" in f}
    assert [figure for figure in after.figures if figure in estimates_in(changed, pools)]


def test_a_device_that_two_pools_share_changes_in_one():
    raw = build_scenario(
        "llama-3.1-8b",
        "h20-l40s",
        workload={"input_tokens": 1000, "output_tokens": 100},
        target={"tokens_per_s_per_user": 20.0},
    )
    first, second = raw.fleet.pools[:2]
    twin = second.model_copy(update={"device": first.device})
    scenario = raw.model_copy(update={"fleet": raw.fleet.model_copy(update={"pools": (first, twin)})})
    changed = price_knob(scenario, first.name).at(99.0)
    assert changed.fleet.usd_per_hour(first.name) == 99.0
    assert changed.fleet.usd_per_hour(twin.name) == scenario.fleet.usd_per_hour(twin.name)
    assert f"{first.device}-of-{first.name}.price" in " ".join(estimates_in(changed, (first.name,)))


@settings(max_examples=10, **QUIET)
@given(turned(lambda knob: knob.effect is not Effect.OPEN))
def test_costs_go_where_a_figure_says(case):
    knob, value = case
    before, after = price(knob.base), price(knob.at(value))
    is_up = (value > knob.value) is (knob.effect is Effect.RISES)
    low, high = (before, after) if is_up else (after, before)
    assert low <= high * (1.0 + TOLERANCE), knob.key


def test_prices_of_owned_chips_are_what_they_cost_to_buy():
    knob = price_knob(known("owned-chips"), "cool")
    assert knob.value == 105192.0
    # 52,596 / 35,064 + 0.1 + 0.5.
    assert knob.at(52596.0).fleet.usd_per_hour("cool") == pytest.approx(2.1)


def test_without_drafting_nothing_is_accepted():
    assert "acceptance" not in by_key(known("sram-wins"))
    assert by_key(known("speculation-bandwidth-bound"))["acceptance"].value == 0.7


def test_hops_are_those_of_the_links_that_join_a_pool():
    slow = {"wire": {"bandwidth": "1 TB/s", "latency": "10 ms"}}
    knob = hop_latency_knob(known("sidecar-for-ffn", link_types=slow), "sram")
    assert knob.value == 0.01
    assert knob.at(0.5).fleet.link_types["wire"].latency == 0.5
    assert hop_latency_knob(known("sram-wins"), "sram") is None


def test_a_value_out_of_range_is_refused():
    knob = next(knob for knob in knobs_of(known("sram-wins")) if knob.key == "mbu:sram")
    with pytest.raises(InputError, match="mbu:sram: expected share of peak bandwidth"):
        knob.at(1.5)


def test_without_a_pool_nothing_of_it_is_left():
    scenario = known("sidecar-for-ffn")
    less = without(scenario, "sram")
    assert set(less.fleet.devices) == {"hbm"}
    assert not less.fleet.link_types
    assert without(price_knob(scenario, "sram").at(7.0), "sram") == less


@pytest.mark.parametrize(
    ("pool", "says"),
    [("srma", 'unknown pool "srma"; did you mean "sram"'), ("hbm", "required of every replica")],
)
def test_a_pool_that_cannot_be_left_out_is_refused(pool, says):
    scenario = known("sidecar-for-ffn")
    target = scenario.target.model_copy(update={"required_pools": ("hbm",)})
    with pytest.raises(InputError, match=says):
        without(scenario.model_copy(update={"target": target}), pool)


def test_the_only_pool_cannot_be_left_out():
    with pytest.raises(InputError, match="is the only pool"):
        without(known("one-user"), known("one-user").fleet.pools[0].name)
