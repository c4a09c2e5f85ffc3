"""Brackets are narrowed to where a made-up answer changes, for any threshold, band and window."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from placer.breakeven.along import find_threshold, scan
from placer.breakeven.refine import flips_of, refine
from placer.plan.plan import Status
from placer.whatif.break_even import Outcome, Probe
from placer.whatif.knob import Effect, Knob, Unit
from placer.whatif.verdict import Decision, Side
from tests.whatif.known import known

SCENARIO = known("sram-wins")
PAYS, DOES_NOT, OPEN = Decision.PAYS, Decision.DOES_NOT_PAY, Decision.UNDECIDED


def knob(value=1.0, **about):
    fields = {"effect": Effect.RISES, "pools": frozenset({"sram"}), "lowest": 1e-9, "highest": 1e9} | about
    return Knob("x", "x", Unit.NUMBER, value, SCENARIO, lambda _: SCENARIO, **fields)


def side():
    return Side(
        status=Status.PLANNED,
        usd=1.0,
        bound_usd=1.0,
        devices={},
        mode="",
        tokens_per_s_per_user=None,
        pool_share={},
        question_key="",
    )


def probe(value, decision):
    return Probe(value=value, decision=decision, with_pool=side(), without_pool=side())


@dataclass
class Oracle:
    """Stands in for a judge: knows the answer at every value, and counts what it is asked."""

    answer: object
    pool: str = "sram"
    saving: float = 0.0
    asked: list = field(default_factory=list)

    def probes(self, _knob, values, _known=()):
        self.asked += values
        return [probe(value, self.answer(value)) for value in values]

    def settled(self, _knob, probes):
        return sorted(probes, key=lambda one: one.value)


def below(threshold, inner=PAYS, outer=DOES_NOT):
    return lambda value: inner if value <= threshold else outer


@given(st.floats(2e-3, 500.0), st.sampled_from([0.5, 0.05, 0.01]))
def test_a_threshold_is_bracketed_as_narrowly_as_asked(threshold, precision):
    found = find_threshold(knob(), Oracle(below(threshold)), precision, 100)
    (flip,) = found.flips
    assert flip.low.value <= threshold < flip.high.value <= flip.low.value * (1 + precision) * (1 + 1e-9)
    assert flip.is_precise


@given(st.floats(2e-3, 500.0))
def test_a_figure_that_helps_is_bracketed_the_other_way_around(threshold):
    oracle = Oracle(below(threshold, DOES_NOT, PAYS))
    found = find_threshold(knob(effect=Effect.FALLS), oracle, 0.05, 100)
    (flip,) = found.flips
    assert (flip.low.decision, flip.high.decision) == (DOES_NOT, PAYS)
    assert flip.low.value <= threshold < flip.high.value


@given(st.floats(0.01, 100.0), st.floats(1.2, 3.0))
def test_both_edges_of_a_band_that_stays_open_are_narrowed(low, ratio):
    def answer(value):
        return PAYS if value <= low else DOES_NOT if value >= low * ratio else OPEN

    found = find_threshold(knob(), Oracle(answer), 0.02, 200)
    (flip,) = found.flips
    assert flip.low.value <= low <= flip.low.value * 1.02 * (1 + 1e-9)
    assert low * ratio <= flip.high.value * (1 + 1e-9) <= low * ratio * 1.02 * (1 + 1e-6)
    assert flip.undecided
    assert not flip.is_precise
    assert "in between it is open" in found.text


@given(st.floats(1.1, 4.9), st.floats(1.1, 4.9))
def test_both_ends_of_a_window_are_found(first, factor):
    second = 5.0 * factor
    oracle = Oracle(lambda value: PAYS if first < value <= second else DOES_NOT)
    found = scan(knob(5.0), oracle, [1.0, 5.0, 25.0], 0.05, 100)
    low, high = found.flips
    assert low.low.value <= first < low.high.value
    assert high.low.value <= second < high.high.value


def test_a_third_answer_between_two_makes_two_flips():
    def answer(value):
        return DOES_NOT if value < 3.0 else PAYS if value < 6.0 else Decision.NO_PLAN

    found = scan(knob(1.0), Oracle(answer), [1.0, 9.0], 0.05, 100)
    assert [flip.high.decision for flip in found.flips] == [PAYS, Decision.NO_PLAN]


@given(st.integers(2, 30))
def test_no_more_values_are_tried_than_allowed(most):
    oracle = Oracle(below(333.0))
    find_threshold(knob(), oracle, 1e-6, most)
    assert len(oracle.asked) <= most + 1
    assert len(set(oracle.asked)) == len(oracle.asked)


def test_nothing_decided_is_no_bracket():
    found = find_threshold(knob(), Oracle(lambda _: OPEN), 0.05, 20)
    assert found.outcome is Outcome.UNDECIDED
    assert not found.flips


def test_whole_numbers_are_not_halved_further_than_they_go():
    oracle = Oracle(below(7.0))
    found = scan(knob(5.0, is_whole=True, lowest=1.0), oracle, [1.0, 20.0], 0.01, 50)
    (flip,) = found.flips
    assert (flip.low.value, flip.high.value) == (7.0, 8.0)


def test_refining_what_agrees_solves_nothing():
    def solve(values):
        raise AssertionError(values)

    probes = [probe(1.0, PAYS), probe(9.0, PAYS)]
    assert refine(probes, knob(), 0.05, solve, 10) == (probes, True)
    assert flips_of(probes, 0.05) == ()
