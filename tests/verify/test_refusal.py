import pytest

from placer.plan.plan import Plan
from placer.verify.verify import verify_plan

REFUSAL = {
    "conflict": ["memory", "target.tokens_per_s_per_user"],
    "reason": "the weights fit no group that is fast enough",
    "nearest": [{"change": "target.tokens_per_s_per_user", "value": 9.0, "unit": "tokens/s", "text": "ask for 9"}],
}


@pytest.fixture
def make_refusal(plans):
    """A plan without a placement."""

    def make(**fields):
        plan = plans["dense"]()
        kept = {name: plan[name] for name in ("verdict", "scenario", "search", "provenance")}
        return kept | {"status": "infeasible", "refusal": REFUSAL} | fields

    return make


def report_of(plan):
    return verify_plan(Plan.model_validate(plan))


def test_a_refusal_is_checked_as_far_as_it_can_be(make_refusal):
    report = report_of(make_refusal())
    assert report.status == "verified"
    assert "not re-proved" in report.note
    assert [check.name for check in report.checks] == ["scenario", "refusal", "provenance"]


def test_an_undecided_plan_has_a_bound_only(make_refusal):
    bound = {"usd_per_million_output_tokens": 1.0}
    assert report_of(make_refusal(status="undecided", refusal=None, bound=bound)).status == "verified"


@pytest.mark.parametrize(
    "broken",
    [
        {"conflict": []},
        {"conflict": [" "]},
        {"reason": ""},
        {"nearest": [REFUSAL["nearest"][0] | {"text": ""}]},
        {"nearest": [REFUSAL["nearest"][0] | {"change": " "}]},
    ],
)
def test_a_refusal_names_something(make_refusal, broken):
    assert report_of(make_refusal(refusal=REFUSAL | broken)).failed == ("refusal",)


def test_a_refusal_claims_nothing(make_refusal, plans):
    metrics = plans["dense"]()["metrics"]
    assert report_of(make_refusal(metrics=metrics)).failed == ("refusal",)
    assert report_of(make_refusal(paused=plans["pausing"]()["paused"])).failed == ("refusal",)


def test_a_refusal_of_another_question_is_rejected(make_refusal):
    plan = make_refusal()
    plan["scenario"]["target"]["tokens_per_s_per_user"] = 1.0
    assert report_of(plan).failed == ("provenance",)
