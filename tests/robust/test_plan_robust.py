import json

import pytest

from placer import api
from placer.certify import certify
from placer.cli.app import main
from placer.graph.lower import lower
from placer.plan.plan import Status
from placer.robust.relaid import relaid
from placer.robust.score import score
from placer.scenario.routing import RoutingKind, RoutingProfile

SKEWED = tuple(float(8 - expert) for expert in range(8))
REVERSED = SKEWED[::-1]
QUESTION = {"workload": {"input_tokens": 512, "output_tokens": 128}, "target": {"tokens_per_s_per_user": 60.0}}


def counts(values):
    return {"kind": "counts", "counts": values}


@pytest.fixture(scope="module", params=["mean", "worst"])
def answer(request):
    profiles = [{"name": "a", "routing": counts(SKEWED)}, {"name": "b", "routing": counts(REVERSED)}]
    robust = {"objective": request.param, "profiles": profiles}
    return api.plan_scenario(api.build_scenario("mixtral-8x7b", "h100-8x", **QUESTION, robust=robust), budget_s=40)


def test_it_is_certified_and_serves_both(answer):
    assert answer.status is Status.PLANNED
    report = certify(answer)
    assert [str(finding) for finding in report.findings] == []
    assert all(one.step_time_s <= answer.scenario.target.step_time_s for one in answer.robust.profiles)


def test_reversed_routings_cost_alike(answer):
    # Experts are only numbered the other way round, and the even mixture of both is uniform.
    first, second = (one.own_usd_per_million_output_tokens for one in answer.robust.profiles)
    assert first == pytest.approx(second, rel=1e-6)
    report = answer.robust
    assert report.usd_per_million_output_tokens >= report.hindsight_bound_usd_per_million_output_tokens * (1 - 1e-9)


def test_choices_are_scored_under_both(answer):
    for index, choice in enumerate(answer.robust.choices):
        routing = answer.scenario.robust.profiles[index].routing
        picked = relaid(answer, routing, model := lower(answer.scenario.model))
        again = [score(picked, each.routing, model).usd for each in answer.scenario.robust.profiles]
        assert choice.usd_per_million_output_tokens == pytest.approx(again)


def test_experts_dealt_anew_for_the_same_routing_cost_the_same(answer):
    routing, model = answer.scenario.workload.routing, lower(answer.scenario.model)
    again = relaid(answer, routing, model)
    assert score(again, routing, model).usd == pytest.approx(answer.metrics.usd_per_million_output_tokens)


def test_no_routing_of_its_own_is_needed(answer):
    uniform, model = RoutingProfile(kind=RoutingKind.UNIFORM), lower(answer.scenario.model)
    even = relaid(answer, uniform, model)
    held = sorted(expert for rank in next(iter(even.placement.experts.values())).experts_by_rank for expert in rank)
    assert held == list(range(8))
    assert score(even, uniform, model).usd > 0


def test_the_command(tmp_path, capsys):
    files = []
    for name, values in (("a", SKEWED), ("b", REVERSED)):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps({"counts": [values]}))
    asked = ["plan", "mixtral-8x7b", "--fleet", "h100-8x", "--tps-user", "60", "--isl", "512", "--osl", "128", "-q"]
    routings = [word for file in files for word in ("--routing", str(file))]
    output = tmp_path / "plan.json"
    assert main([*asked, *routings, "--robust", "worst", "--budget-s", "40", "-o", str(output)]) == 0
    assert "under every routing" in capsys.readouterr().out
    assert main(["verify", str(output)]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--robust", "mean"], "expected several --routing options"),
        (["--routing", "domain", "--routing", "domain"], '"domain" is taken'),
        (["--routing", "domain", "--routing", "domian"], "domian"),
    ],
)
def test_bad_input_is_refused_with_a_reason(options, message, capsys):
    assert main(["plan", "mixtral-8x7b", "--fleet", "h100-8x", "--tps-user", "60", *options]) == 2
    assert message in capsys.readouterr().err
