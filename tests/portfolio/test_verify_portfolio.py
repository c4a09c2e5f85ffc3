"""Every broken portfolio fails the check meant for it, and no other."""

import importlib.util
from pathlib import Path

import pytest

from placer.plan.portfolio import Portfolio
from placer.portfolio.certify import certify_portfolio
from placer.verify.portfolio.verify import CHECKS, verify_portfolio

_SPEC = importlib.util.spec_from_file_location("mutations", Path(__file__).with_name("mutations.py"))
mutations = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(mutations)
change, together, half, double = mutations.change, mutations.together, mutations.half, mutations.double

RESIDENT = ("deployments", 0, "plan")
MEMBER = ("slots", 0, "members", 0)
REPLICA = (*RESIDENT, "placement", "replicas", 0, "first_device", "host")


#: What is broken, how, and the checks that must notice.
MUTANTS = {
    "another model": (change((*RESIDENT, "scenario", "model", "name"), "other"), {"questions"}),
    "other lengths": (change((*RESIDENT, "scenario", "workload", "input_tokens"), 8), {"questions"}),
    "a richer fleet": (change((*RESIDENT, "scenario", "fleet", "pools", 0, "count"), 99), {"questions"}),
    "a demand of its own": (change((*RESIDENT, "scenario", "target", "tokens_per_s"), 1.0), {"questions"}),
    "a slower target": (change((*RESIDENT, "scenario", "target", "tokens_per_s_per_user"), 0.1), {"questions"}),
    "a model forgotten": (change(("models",), lambda models: models[:-1]), {"questions"}),
    "no such model": (change(("deployments", 0, "model"), "nobody"), {"questions"}),
    "beyond the inventory": (change(REPLICA, [4]), {"inventory"}),
    "a shared device": (change(("slots", 0, "first_device"), 0), {"inventory"}),
    "devices miscounted": (change(("deployments", 0, "devices"), {"slow": 2}), {"inventory"}),
    "replicas miscounted": (change(("deployments", 0, "replicas"), 2), {"inventory"}),
    "a member beside its slot": (
        change((*MEMBER, "plan", "placement", "replicas", 0, "first_device", "host"), [3]),
        {"inventory"},
    ),
    "half a unit rented": (change(("devices", "slow"), 1), {"units", "shares"}),
    "a discount": (change(("usd_per_hour",), half), {"units", "shares", "bound"}),
    "asked less": (change(("models", 2, "demand_tokens_per_s"), half), {"rates"}),
    "fewer requests": (change(("models", 2, "requests_per_s"), half), {"rates"}),
    "more capacity": (change(("models", 2, "capacity_tokens_per_s"), double), {"rates"}),
    "faster": (change(("models", 2, "tokens_per_s_per_user"), double), {"rates", "agents"}),
    "a TTFT": (change(("models", 2, "ttft_s"), 0.5), {"rates", "agents"}),
    "called resident": (change(("models", 0, "mode"), "resident"), {"rates"}),
    "may not be cold": (change(("scenario", "models", 0, "residency"), "resident"), {"rates"}),
    "more asked of a replica than it makes": (
        together(
            change(("scenario", "models", 2, "requests_per_s"), 5.0),
            change(("models", 2, "demand_tokens_per_s"), 5.02),
            change(("models", 2, "requests_per_s"), 5.02),
            change(("models", 2, "usd_per_million_output_tokens"), lambda usd: usd * 0.52 / 5.02),
            change(("models", 2, "usd_per_request"), lambda usd: usd * 0.52 / 5.02),
            change(("agents", 0, "usd_per_run"), lambda usd: usd),
        ),
        {"rates", "shares", "bound"},
    ),
    "a shorter switch": (change((*MEMBER, "switch_s"), half), {"turns"}),
    "a shorter answer": (change((*MEMBER, "serve_s"), half), {"turns"}),
    "lighter weights": (change((*MEMBER, "weights_bytes"), 1), {"turns"}),
    "more room": (change((*MEMBER, "batch_requests"), 100), {"turns"}),
    "less overflow": (change((*MEMBER, "overflow"), 0.0), {"turns"}),
    "fewer switches": (change((*MEMBER, "switches_per_hour"), half), {"turns"}),
    "a longer wait than allowed": (change(("scenario", "models", 0, "wait"), "1 s"), {"turns"}),
    "less load": (change(("slots", 0, "timetable_load"), half), {"turns"}),
    "a wait left out": (change(("models", 0, "switch_wait_s"), half), {"turns", "agents"}),
    "no such tier": (change(("slots", 0, "tier"), "nvme"), {"turns"}),
    "a slower tier": (change(("scenario", "tiers", 0, "bandwidth"), "220 B/s"), {"turns"}),
    "a smaller tier": (change(("scenario", "tiers", 0, "capacity"), "800 B"), {"tiers"}),
    "an early end": (change(("agents", 0, "calls", 0, "end_s"), half), {"agents"}),
    "an early start": (change(("agents", 0, "calls", 1, "start_s"), half), {"agents"}),
    "a shorter latency": (change(("agents", 0, "latency_s"), half), {"agents"}),
    "a tighter limit": (change(("scenario", "agents", 0, "end_to_end"), "5 s"), {"agents"}),
    "another critical path": (change(("agents", 0, "calls", 1, "is_critical"), lambda flag: not flag), {"agents"}),
    "a call forgotten": (change(("agents", 0, "calls"), lambda calls: calls[:-1]), {"agents"}),
    "an agent forgotten": (change(("agents",), []), {"agents"}),
    "a share moved": (
        together(
            change(("models", 0, "usd_per_hour"), lambda usd: usd + 0.1),
            change(("models", 1, "usd_per_hour"), lambda usd: usd - 0.1),
        ),
        {"shares"},
    ),
    "a share dropped": (change(("models", 0, "usd_per_hour"), 0.0), {"shares"}),
    "a cheaper token": (change(("models", 0, "usd_per_million_output_tokens"), half), {"shares"}),
    "a cheaper request": (change(("models", 0, "usd_per_request"), half), {"shares"}),
    "a cheaper run": (change(("agents", 0, "usd_per_run"), half), {"shares"}),
    "a bound above the rent": (change(("bound", "usd_per_hour"), double), {"bound"}),
    "a smaller gap": (
        change(("bound",), {"usd_per_hour": 1.0, "relative_gap": 0.0, "is_best_of_columns": True}),
        {"bound"},
    ),
    "a model's bound above its price": (
        change(("models", 2, "bound_usd_per_million_output_tokens"), lambda usd: usd * 100),
        {"bound"},
    ),
}


def test_the_portfolio_itself_is_verified(portfolio):
    report = certify_portfolio(portfolio)
    assert report.status == "verified", report.findings
    assert [check.name for check in report.checks] == [*(check.name for check in CHECKS), "plans"]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_portfolio_fails_the_checks_meant_for_it(name, raw_portfolio):
    mutate, failed = MUTANTS[name]
    mutate(raw_portfolio)
    report = verify_portfolio(Portfolio.model_validate(raw_portfolio))
    assert report.status == "rejected"
    assert set(report.failed) == failed, [str(finding) for finding in report.findings]
    assert not any("cannot be checked" in finding.message for finding in report.findings)


def test_every_check_has_a_mutant():
    assert {check.name for check in CHECKS} == set().union(*(failed for _, failed in MUTANTS.values()))


def test_a_broken_plan_inside_is_found(raw_portfolio):
    raw_portfolio["deployments"][0]["plan"]["metrics"]["power_w"] *= 0.5
    report = certify_portfolio(Portfolio.model_validate(raw_portfolio))
    assert report.failed == ("plans",)
    assert "deployments[0].plan: money" in report.findings[0].where
