"""What is kept of an answer, and what makes it stale."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.studies.ask import Ask
from benchmarks.studies.evidence import is_open, narrower
from benchmarks.studies.record import inputs_hash, record_of, rounded_down, rounded_up
from placer.api import plan_scenario
from tests.studies.made_up import planned, refused, undecided

ASK = Ask(model="llama-3.1-8b", fleet="h200-8x", tps_user=50)


@given(st.floats(1e-12, 1e12), st.integers(2, 9))
def test_rounding_goes_one_way_and_not_far(value, digits):
    down, up = rounded_down(value, digits), rounded_up(value, digits)
    assert down <= value <= up
    assert up - down <= 2.0 * 10 ** (math.floor(math.log10(value)) - digits + 1)
    assert rounded_down(down, digits) == down
    assert rounded_up(up, digits) == up


def _with_device(scenario, **changes):
    (name,) = scenario.fleet.devices
    device = scenario.fleet.devices[name].model_copy(update=changes)
    fleet = scenario.fleet.model_copy(update={"devices": {name: device}})
    return scenario.model_copy(update={"fleet": fleet})


class TestHash:
    """Figures make an answer stale, prose does not."""

    SCENARIO = ASK.scenario()
    HASH = inputs_hash(SCENARIO, 0.02)

    def test_it_is_that_of_the_same_question(self):
        assert inputs_hash(ASK.scenario(), 0.02) == self.HASH

    @pytest.mark.parametrize("changes", [{"title": "other"}, {"notes": ("more",)}, {"vendor": "nobody"}])
    def test_prose_changes_nothing(self, changes):
        assert inputs_hash(_with_device(self.SCENARIO, **changes), 0.02) == self.HASH

    def test_prices_on_other_bases_change_nothing(self):
        device = next(iter(self.SCENARIO.fleet.devices.values()))
        assert inputs_hash(_with_device(self.SCENARIO, price=device.price | {"auction": 9.0}), 0.02) == self.HASH
        assert inputs_hash(_with_device(self.SCENARIO, price=device.price | {"tco": 9.0}), 0.02) != self.HASH

    @pytest.mark.parametrize("changes", [{"power": 1.0}, {"reserve": 0.3}, {"sources": ()}])
    def test_figures_do_and_so_does_what_is_a_guess(self, changes):
        assert inputs_hash(_with_device(self.SCENARIO, **changes), 0.02) != self.HASH

    def test_so_do_the_question_and_the_gap(self):
        other = ASK.model_copy(update={"tps_user": 51}).scenario()
        assert inputs_hash(other, 0.02) != self.HASH
        assert inputs_hash(self.SCENARIO, 0.03) != self.HASH


def test_a_record_has_the_figures_of_the_plan():
    scenario = ASK.scenario()
    plan = plan_scenario(scenario, gap=0.05, budget_s=20)
    record = record_of(plan, "hash", 1.25)
    assert record.is_planned
    assert record.price == pytest.approx(plan.metrics.usd_per_million_output_tokens, rel=1e-5)
    assert record.bound <= plan.bound.usd_per_million_output_tokens <= record.price
    assert record.optimum.low == record.bound
    assert record.devices == plan.devices
    assert sum(record.layers.values()) == len(plan.placement.layers)
    assert record.num_estimates == len(plan.provenance.estimates)
    # One pool: watts and rent of a device are fixed, so energy is as proven as the price.
    assert record.joules.high == pytest.approx(plan.metrics.joules_per_token * 1e6, rel=1e-4)
    assert record.joules.high / record.joules.low == pytest.approx(record.price / record.bound, rel=1e-4)


def test_a_refusal_is_a_proof_and_says_why():
    scenario = ASK.model_copy(update={"tps_user": 1e6}).scenario()
    record = record_of(plan_scenario(scenario, gap=0.05, budget_s=20), "hash", 1.0)
    assert record.status == "infeasible"
    assert record.reason
    assert record.optimum.low == record.joules.low == math.inf


def test_of_two_answers_the_one_that_leaves_less_open_is_kept():
    close, far, open_ = planned(1.0, 0.9), planned(1.1, 0.8), undecided(0.7)
    assert narrower(far, close) is narrower(close, far) is close
    assert narrower(open_, far) is narrower(far, open_) is far
    assert narrower(open_, refused()).status == "infeasible"
    assert narrower(None, open_) is open_
    other = far.model_copy(update={"inputs": "another question"})
    assert narrower(close, other) is other


def test_a_search_that_ran_out_of_time_may_be_asked_again():
    assert not is_open(ASK, planned(1.0, 1.0 - ASK.gap))
    assert not is_open(ASK, refused())
    assert is_open(ASK, planned(1.0, 0.9))
    assert is_open(ASK, undecided())
