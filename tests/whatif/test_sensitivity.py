"""What the price hangs on, where it is known by hand; and how figures are ranked."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.api import plan_scenario
from placer.errors import InputError
from placer.plan.plan import Status
from placer.sensitivity.ask import number_of_questions, sensitivity
from placer.sensitivity.measure import point, rank, turned
from placer.sensitivity.points import is_deduced, values_around
from placer.whatif.devices import price_knob
from placer.whatif.knobs import knobs_of
from placer.whatif.verdict import Decision, Side, side_of
from tests.whatif.known import EXACT, HERE, at_speed, known
from tests.whatif.test_carry import solved


@pytest.fixture(scope="module")
def wins():
    """The answer of a fleet whose plan is on SRAM alone."""
    return sensitivity(known("sram-wins"), EXACT, HERE, pool="sram", saving=0.0)


def of(answer, key):
    return next(one for one in answer.turned if one.key == key)


def test_the_cost_of_one_pool_is_its_price(wins):
    one = of(wins, "price:sram")
    assert one.elasticity == pytest.approx(1.0, rel=1e-9)
    assert one.elasticity_range == pytest.approx((1.0, 1.0), rel=1e-6)
    assert [point.relative_cost for point in one.points] == pytest.approx([0.75, 1.25])
    assert all(point.is_significant for point in one.points)


def test_what_only_streams_hangs_on_bandwidth_alone(wins):
    assert of(wins, "bandwidth:sram").elasticity == pytest.approx(-1.0, rel=1e-9)
    assert of(wins, "peak:sram").elasticity == pytest.approx(0.0, abs=1e-9)
    assert not any(point.is_significant for point in of(wins, "peak:sram").points)


def test_what_is_not_used_does_not_matter(wins):
    one = of(wins, "price:hbm")
    assert not one.is_used
    assert one.elasticity == 0.0
    assert one.high.is_deduced
    assert not one.low.is_deduced


def test_what_is_deduced_is_what_a_search_finds():
    scenario = known("sram-wins")
    base, deduced = solved(scenario), 0
    for knob in knobs_of(scenario):
        for value in values_around(knob, 0.25):
            if value is not None and is_deduced(knob, value, base):
                there, deduced = solved(knob.at(value)), deduced + 1
                assert there.usd == pytest.approx(base.usd, rel=1e-9)
                assert there.least == pytest.approx(base.least, rel=1e-9)
    assert deduced >= 4


def test_efficiencies_stop_at_one(wins):
    assert of(wins, "mbu:sram").high is None
    assert of(wins, "mbu:sram").elasticity == pytest.approx(-1.0, rel=1e-9)


def test_what_flips_the_decision_comes_first():
    # At 0.40 USD/h the sidecar pays; its price of indifference is 0.41987 (`sidecar-too-dear`).
    scenario = price_knob(known("sidecar-too-dear"), "sram").at(0.4)
    keys = ("price:*", "bandwidth:sram", "peak:*")
    answer = sensitivity(scenario, EXACT, HERE, pool="sram", saving=0.0, only=keys)
    # So does the price of the chip beside it; bandwidth of SRAM moves the cost, and nothing hangs on peaks.
    assert {one.key for one in answer.turned[:2]} == {"price:sram", "price:hbm"}
    first = of(answer, "price:sram")
    assert answer.base_decision is Decision.PAYS
    assert first.high.decision is Decision.DOES_NOT_PAY
    assert first.high.is_change_proven
    assert not first.low.is_change_proven
    assert first.is_estimate


def test_what_is_left_out_for_want_of_values_is_named():
    answer = sensitivity(known("sram-wins"), EXACT, HERE, only=("price:*", "peak:*"), most=2)
    assert len(answer.turned) + len(answer.left_out) == 4
    assert answer.left_out
    solved_values = [one for figure in answer.turned for one in figure.points if not one.is_deduced]
    assert len(solved_values) <= 2


def test_a_chance_that_is_never_taken_changes_nothing():
    answer = sensitivity(known("speculation-compute-bound"), EXACT, HERE, only=("acceptance",))
    plain = of(answer, "acceptance")
    assert plain.low.relative_cost == pytest.approx(1.0, rel=1e-9)


def test_acceptance_cheapens_what_drafts():
    # Three tokens drafted at 0.7 gain 2.533 a step; at 0.875 the best number gains more.
    answer = sensitivity(known("speculation-bandwidth-bound"), EXACT, HERE, only=("acceptance",))
    assert of(answer, "acceptance").elasticity < -0.3


def test_without_a_plan_there_is_nothing_to_turn():
    answer = sensitivity(at_speed(known("sram-wins"), 1e6), EXACT, HERE)
    assert answer.base.status is Status.INFEASIBLE
    assert not answer.turned


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"change": 0.0}, "change: expected a share above 0"),
        ({"change": 1.0}, "change: expected a share above 0"),
        ({"most": 0}, "points: expected at least 1"),
        ({"pool": "srma"}, 'did you mean "sram"'),
        ({"only": ("prise:sram",)}, 'no such figure: .prise:sram.; did you mean "price:sram"'),
        ({"saving": 1.0}, "saving: expected a share"),
    ],
)
def test_senseless_numbers_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        sensitivity(known("sram-wins"), EXACT, HERE, **options)


def test_searches_are_counted_beforehand():
    knobs = knobs_of(known("sram-wins"), ("price:*",))
    assert number_of_questions(knobs, None, 0.25, None) == 5
    assert number_of_questions(knobs, "sram", 0.25, 3) == 8


COSTS = st.floats(0.1, 10.0)


def side(bound, usd):
    return Side(
        status=Status.PLANNED,
        usd=usd,
        bound_usd=bound,
        devices={"sram": 1},
        mode="",
        tokens_per_s_per_user=1.0,
        pool_share={"sram": 1.0},
        question_key="",
    )


@given(COSTS, COSTS, st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_least_costs_have_an_elasticity_in_the_range(low, high, gap_low, gap_high, at_low, at_high):
    knob = price_knob(known("sram-wins"), "sram")
    sides = side(low * (1 - gap_low), low), side(high * (1 - gap_high), high)
    base = side(0.01, 10.0), None
    ends = [point(value, (one, None), base, is_deduced=False) for value, one in zip((1.0, 9.0), sides, strict=True)]
    found = turned(knob, base, (ends[0], ends[1]))
    truly_low, truly_high = low * (1 - gap_low * at_low), high * (1 - gap_high * at_high)
    slope = math.log(truly_high / truly_low) / math.log(9.0)
    assert found.elasticity_range[0] - 1e-9 <= slope <= found.elasticity_range[1] + 1e-9
    assert found.elasticity_range[0] - 1e-9 <= found.elasticity <= found.elasticity_range[1] + 1e-9


def test_effects_within_the_gaps_come_last():
    scenario = known("sram-wins")
    base = side(0.9, 1.0), None

    def figure(key, low, high):
        knob = next(knob for knob in knobs_of(scenario) if knob.key == key)
        ends = [point(value, (one, None), base, is_deduced=False) for value, one in ((1.0, low), (9.0, high))]
        return turned(knob, base, (ends[0], ends[1]))

    real = figure("price:sram", side(1.05, 1.06), side(0.95, 1.0))
    larger = figure("bandwidth:sram", side(1.2, 1.3), side(0.95, 1.0))
    within = figure("price:hbm", side(0.5, 1.5), side(0.9, 1.0))
    assert [one.key for one in rank([within, real, larger])] == ["bandwidth:sram", "price:sram", "price:hbm"]
    assert not within.low.is_significant


def test_a_side_says_what_a_plan_is():
    plan = plan_scenario(known("sidecar-for-ffn"), gap=0.0)
    found = side_of(plan, "key")
    assert found.mode == "AFD"
    assert found.usd == plan.metrics.usd_per_million_output_tokens
    assert found.least == pytest.approx(found.usd)
    assert found.pool_share == pytest.approx({"hbm": 1 / 1.01, "sram": 0.01 / 1.01})
