"""Portfolios whose optimum is derived by hand in the file."""

from pathlib import Path

import pytest

from placer.files import read_mapping
from placer.plan.plan import Status
from placer.portfolio.certify import certify_portfolio
from placer.portfolio.plan import plan_portfolio
from placer.portfolio.read import parse_scenario

FOLDER = Path(__file__).parents[2] / "fleets" / "known_portfolios"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_at_least_eight_and_each_says_why():
    assert len(FILES) >= 8
    for path in FILES:
        raw = read_mapping(path)
        assert raw["name"] == path.stem
        assert len(raw["why"]) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_optimum_is_found(path):
    raw = read_mapping(path)
    optimum = raw["optimum"]
    portfolio = plan_portfolio(parse_scenario(raw["scenario"], str(path)), gap=0.0)
    assert portfolio.status == optimum["status"], portfolio.verdict
    report = certify_portfolio(portfolio)
    assert report.status == "verified", report.findings
    if portfolio.status is Status.INFEASIBLE:
        assert optimum["conflict"] in portfolio.refusal.conflict
        assert [relief.value for relief in portfolio.refusal.nearest] == [optimum["nearest"]]
        return
    assert portfolio.usd_per_hour == pytest.approx(optimum["usd_per_hour"], rel=1e-9)
    assert portfolio.bound.relative_gap == pytest.approx(optimum["gap"], abs=1e-6)
    assert portfolio.bound.is_best_of_columns
    assert portfolio.devices == optimum["devices"]
    check_details(portfolio, optimum)


def check_details(portfolio, optimum):
    figures = {
        "shares": ("usd_per_hour", 1e-9),
        "ttft_s": ("ttft_s", 1e-8),
    }
    for model in portfolio.models:
        for name, (field, tolerance) in figures.items():
            if model.model in optimum.get(name, {}):
                assert getattr(model, field) == pytest.approx(optimum[name][model.model], rel=tolerance)
        if model.model in optimum.get("modes", {}):
            assert model.mode == optimum["modes"][model.model]
    check_devices(portfolio, optimum)
    for agent in portfolio.agents:
        assert agent.latency_s == pytest.approx(optimum["latency_s"][agent.name], rel=1e-9)
        if agent.name in optimum.get("critical", {}):
            assert [call.id for call in agent.calls if call.is_critical] == optimum["critical"][agent.name]


def check_devices(portfolio, optimum):
    for model, pools in optimum.get("pools", {}).items():
        used = {pool for each in portfolio.deployments if each.model == model for pool in each.devices}
        assert used == set(pools)
    for model, groups in optimum.get("prefill", {}).items():
        plans = [each.plan for each in portfolio.deployments if each.model == model]
        assert {pool.pool: pool.groups for plan in plans for pool in plan.phases.prefill} == groups
    if "rooms" in optimum:
        (slot,) = portfolio.slots
        assert {member.model: member.batch_requests for member in slot.members} == optimum["rooms"]
        assert slot.timetable_load == pytest.approx(optimum["timetable_load"], rel=1e-9)
