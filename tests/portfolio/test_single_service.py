"""A portfolio of one model costs what the plan of its whole service costs."""

from pathlib import Path

import pytest

from placer.api import plan_scenario
from placer.catalog.loader import parse_fleet
from placer.files import read_mapping
from placer.model.spec import ModelSpec
from placer.plan.plan import Status
from placer.portfolio.certify import certify_portfolio
from placer.portfolio.plan import plan_portfolio
from placer.portfolio.read import parse_scenario
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service
from placer.scenario.workload import Target, Workload

FOLDER = Path(__file__).parents[2] / "fleets" / "known_optimal"
NAMES = ("colocated-alone", "disaggregated-wins", "prefill-device", "ttft-limits-load", "prefix-hits-colocate")


def parts_of(name):
    parts = read_mapping(FOLDER / f"{name}.yaml")["scenario"]
    assert set(parts["target"]) == {"tokens_per_s_per_user"}
    return parts


def portfolio_of(name, tokens_per_s, **changes):
    parts = parts_of(name)
    model = {
        "name": "only",
        "model": parts["model"],
        "isl": parts["workload"]["input_tokens"],
        "osl": parts["workload"]["output_tokens"],
        "tokens_per_s": tokens_per_s,
        "tokens_per_s_per_user": parts["target"]["tokens_per_s_per_user"],
    }
    model |= parts["service"] | changes
    raw = {"name": name, "fleet": parts["fleet"], "models": [model]}
    return plan_portfolio(parse_scenario(raw, "test"), gap=0.0)


def plan_of(name, tokens_per_s=None, **changes):
    parts = parts_of(name)
    scenario = Scenario(
        model=ModelSpec.model_validate(parts["model"]),
        fleet=parse_fleet(parts["fleet"], name),
        workload=Workload.model_validate(parts["workload"]),
        target=Target.model_validate(parts["target"] | {"tokens_per_s": tokens_per_s}),
        service=Service.model_validate(parts["service"] | changes),
    )
    return plan_scenario(scenario, gap=0.0)


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_it_costs_what_the_plan_costs(name, share):
    cheapest = plan_of(name)
    demand = cheapest.metrics.capacity_tokens_per_s * share * (1 - 1e-6)
    plan, portfolio = plan_of(name, demand), portfolio_of(name, demand)
    assert portfolio.status is Status.PLANNED
    assert portfolio.usd_per_hour <= plan.metrics.usd_per_hour * (1 + 1e-9)
    requests_per_s = demand / cheapest.scenario.workload.output_tokens
    assert portfolio.usd_per_hour >= cheapest.bound.usd_per_request * requests_per_s * 3600 * (1 - 1e-6)
    assert portfolio.bound.usd_per_hour <= portfolio.usd_per_hour
    report = certify_portfolio(portfolio)
    assert report.status == "verified", report.findings


@pytest.mark.parametrize("mode", ["colocated", "disaggregated"])
def test_a_forbidden_mode_is_not_used(mode):
    portfolio = portfolio_of("disaggregated-wins", 5.0, forbidden_modes=[mode])
    assert portfolio.status is Status.PLANNED
    uses = {"disaggregated" if each.plan.phases.prefill else "colocated" for each in portfolio.deployments}
    assert uses == {"colocated", "disaggregated"} - {mode}
    assert certify_portfolio(portfolio).status == "verified"


def test_a_tighter_first_token_never_costs_less_and_is_kept():
    costs = []
    for ttft in (None, "2 s", "1 s", "500 ms"):
        portfolio = portfolio_of("disaggregated-wins", 12.0, ttft=ttft)
        costs.append(portfolio.usd_per_hour or float("inf"))
        if ttft is not None and portfolio.models:
            assert portfolio.models[0].ttft_s <= portfolio.scenario.models[0].ttft * (1 + 1e-9)
    assert costs == sorted(costs)
    assert costs[-1] > costs[0]
