"""A portfolio of one model costs what its plan costs, on pairs of pools too."""

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
from placer.scenario.workload import Target, Workload

FOLDER = Path(__file__).parents[2] / "fleets" / "known_optimal"
NAMES = ("capacity-bound", "compute-bound", "link-bound", "sidecar-for-ffn", "sidecar-too-dear", "sram-wins", "tie")


def parts_of(name):
    parts = read_mapping(FOLDER / f"{name}.yaml")["scenario"]
    assert set(parts["target"]) == {"tokens_per_s_per_user"}
    assert set(parts["workload"]) == {"input_tokens", "output_tokens"}
    return parts


def portfolio_of(name, tokens_per_s, **options):
    parts = parts_of(name)
    model = {
        "name": "only",
        "model": parts["model"],
        "isl": parts["workload"]["input_tokens"],
        "osl": parts["workload"]["output_tokens"],
        "tokens_per_s": tokens_per_s,
        "tokens_per_s_per_user": parts["target"]["tokens_per_s_per_user"],
    }
    raw = {"name": name, "phase": "decode", "fleet": parts["fleet"], "models": [model]}
    return plan_portfolio(parse_scenario(raw, "test"), gap=0.0, **options)


def plan_of(name, tokens_per_s=None):
    parts = parts_of(name)
    target = parts["target"] | ({} if tokens_per_s is None else {"tokens_per_s": tokens_per_s})
    scenario = Scenario(
        model=ModelSpec.model_validate(parts["model"]),
        fleet=parse_fleet(parts["fleet"], name),
        workload=Workload.model_validate(parts["workload"]),
        target=Target.model_validate(target),
    )
    return plan_scenario(scenario, gap=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_it_costs_what_the_plan_costs(name):
    demand = plan_of(name).metrics.capacity_tokens_per_s * (1 - 1e-6)
    plan = plan_of(name, demand)
    portfolio = portfolio_of(name, demand)
    assert portfolio.status is Status.PLANNED
    assert portfolio.usd_per_hour <= plan.metrics.usd_per_hour * (1 + 1e-9)
    # Replicas of several kinds may be cheaper than alike ones, but never than the bound of the cheapest.
    assert portfolio.usd_per_hour >= plan_of(name).bound.usd_per_million_output_tokens * demand * 3600e-6 * (1 - 1e-6)
    assert portfolio.bound.usd_per_hour <= portfolio.usd_per_hour
    report = certify_portfolio(portfolio)
    assert report.status == "verified", report.findings


def test_a_pair_of_pools_is_used_where_it_pays():
    demand = plan_of("sidecar-for-ffn").metrics.capacity_tokens_per_s * (1 - 1e-6)
    (deployment,) = portfolio_of("sidecar-for-ffn", demand).deployments
    assert len(deployment.devices) == 2
    assert set(deployment.devices) == set(plan_of("sidecar-for-ffn").devices)


def test_out_of_time_pairs_are_left_out_and_the_answer_says_so():
    demand = plan_of("sidecar-too-dear").metrics.capacity_tokens_per_s * (1 - 1e-6)
    hurried = portfolio_of("sidecar-too-dear", demand, budget_s=1e-9)
    assert hurried.status is Status.PLANNED
    assert any("out of time" in note for note in hurried.notes)
    assert hurried.bound.usd_per_hour <= portfolio_of("sidecar-too-dear", demand).usd_per_hour
