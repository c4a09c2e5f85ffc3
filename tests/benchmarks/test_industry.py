"""The industry's chart: the page says what the evidence does, curves have the shape of what was measured."""

import pytest

from benchmarks.industry import BEGIN, END, FAST, PAGE, SPEEDS, SUBJECTS, SYSTEMS, _curve, read_evidence, tables
from placer.plan.plan import Status
from placer.sweep.how import How
from placer.sweep.solve import answer

#: Measured on GB200 with DeepSeek-R1 in FP8, 8k in and 1k out (InferenceX): tokens/s per GPU by tokens/s per user.
MEASURED = {"GB200": {68: 1500, 89: 461, 110: 257}, "GB200, MTP": {68: 6008, 89: 5149, 110: 4430}}


@pytest.fixture(scope="module")
def evidence():
    return read_evidence()


def at(frontier, curve, speed):
    return next(point for point in frontier.of(curve) if point.target_tokens_per_s_per_user == speed)


def test_the_page_holds_the_tables_of_the_evidence(evidence):
    text = PAGE.read_text("utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == tables(evidence).strip()
    for subject in SUBJECTS:
        assert (PAGE.parent / f"industry-{subject.name}.svg").is_file()


def test_every_curve_was_solved_and_no_frontier_falls(evidence):
    assert set(evidence) == {subject.name for subject in SUBJECTS}
    for frontier in evidence.values():
        assert {"GB200", "GB200, MTP", "Rubin", "Rubin, MTP", "Rubin + LPX"} <= set(frontier.curves)
        for curve in frontier.curves:
            points = [point for point in frontier.of(curve) if point.status is Status.PLANNED]
            prices = [point.usd_per_million_tokens for point in points]
            assert prices == sorted(prices)
            assert all(point.tokens_per_s_per_user >= point.target_tokens_per_s_per_user for point in points)


def test_gb200_collapses_without_drafting_and_recovers_with_it_as_measured(evidence):
    frontier = evidence["deepseek-8k"]

    def fall(curve, first, last):
        ends = [at(frontier, curve, speed).tokens_per_s_per_device for speed in (first, last)]
        return ends[0] / ends[1]

    def measured(curve, first, last):
        return MEASURED[curve][first] / MEASURED[curve][last]

    assert fall("GB200", 68.0, 110.0) > 3.0
    assert measured("GB200", 68, 110) > 3.0
    assert fall("GB200, MTP", 68.0, 110.0) < 2.0
    assert measured("GB200, MTP", 68, 110) < 2.0
    for curve, speeds in MEASURED.items():
        for speed, tokens_per_s in speeds.items():
            ours = at(frontier, curve, float(speed)).tokens_per_s_per_device
            if (curve, speed) in {("GB200", 68), ("GB200, MTP", 68), ("GB200, MTP", 89), ("GB200, MTP", 110)}:
                assert 0.4 < ours / tokens_per_s < 1.2


def test_a_point_solved_again_agrees_within_its_gap(evidence):
    subject = SUBJECTS[0]
    curve = _curve(subject, SYSTEMS[0])
    index = curve.targets.index(68.0)
    plan, _ = answer(How(budget_s=60.0).question(curve.at(index)))
    known = at(evidence[subject.name], "GB200", 68.0)
    assert plan.metrics.usd_per_million_output_tokens >= known.bound_usd_per_million_tokens * (1 - 1e-9)
    assert known.usd_per_million_tokens >= plan.bound.usd_per_million_output_tokens * (1 - 1e-9)


def test_speeds_rise():
    assert list(SPEEDS) == sorted(SPEEDS)
    assert set(FAST) <= set(SPEEDS)
