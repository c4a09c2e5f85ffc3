"""Every broken portfolio of whole services fails the check meant for it, and no other."""

import importlib.util
from pathlib import Path

import pytest

from placer.plan.portfolio import Portfolio
from placer.portfolio.certify import certify_portfolio
from placer.portfolio.plan import plan_portfolio
from placer.portfolio.read import parse_scenario
from placer.verify.portfolio.verify import CHECKS, verify_portfolio

_SPEC = importlib.util.spec_from_file_location("mutations", Path(__file__).with_name("mutations.py"))
mutations = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(mutations)
change, together, half, double = mutations.change, mutations.together, mutations.half, mutations.double

PLAN = ("deployments", 0, "plan")
POOL = (*PLAN, "phases", "prefill", 0)
MEMBER = ("slots", 0, "members", 0)
PROMPTS = (*MEMBER, "plan", "phases", "colocated")

#: What is broken, how, and the checks that must notice.
MUTANTS = {
    "decode alone is planned": (change((*PLAN, "scenario", "service"), None), {"questions"}),
    "prefill is left out": (change((*PLAN, "phases"), None), {"questions"}),
    "another TTFT asked for": (change((*PLAN, "scenario", "service", "ttft"), "9 s"), {"questions"}),
    "a forbidden mode allowed": (change((*PLAN, "scenario", "service", "forbidden_modes"), []), {"questions"}),
    "a group beyond the inventory": (change((*POOL, "first_devices"), [[4]]), {"inventory"}),
    "a group too many": (change((*POOL, "first_devices"), [[0], [1]]), {"inventory", "rates"}),
    "prefill in another pool": (change((*POOL, "pool"), "chip"), {"inventory"}),
    "prefill devices miscounted": (change(("deployments", 0, "devices"), {"chip": 1}), {"inventory"}),
    "half a unit of prefill": (change(("devices", "gpu"), 1), {"units", "shares"}),
    "fewer prompts than asked": (change((*POOL, "prompts_per_s"), 0.3), {"rates"}),
    "a shorter prompt": (change((*POOL, "prompt_s"), half), {"rates"}),
    "no wait for prefill": (change(("deployments", 0, "ttft_s"), 1.0), {"rates"}),
    "an early first token": (change(("models", 0, "ttft_s"), half), {"rates", "agents"}),
    "requests that go nowhere": (change(("deployments", 0, "requests_per_s"), half), {"rates"}),
    "all prompts of a turn at once": (change((*MEMBER, "ttft_s"), half), {"turns"}),
    "a turn without prefill": (change((*MEMBER, "serve_s"), lambda serve_s: serve_s - 2.0), {"turns"}),
    "a turn of one round": (change((*MEMBER, "batch_requests"), 1), {"turns"}),
    "more in a turn than the replica holds": (change((*MEMBER, "batch_requests"), 3), {"turns"}),
    "slower prompts in turns": (change((*PROMPTS, "first_token", "prefill_s"), double), {"turns"}),
    "first tokens of turns are late": (
        together(
            change(("scenario", "models", 1, "ttft"), "1 s"),
            change((*MEMBER, "plan", "scenario", "service", "ttft"), "1 s"),
        ),
        {"turns"},
    ),
    "a bound above the price": (
        together(
            change(("models", 0, "bound_usd_per_request"), lambda usd: usd * 100),
            change(("models", 0, "bound_usd_per_million_output_tokens"), lambda usd: usd * 100),
        ),
        {"bound"},
    ),
    "no bound on requests": (change(("models", 0, "bound_usd_per_request"), None), {"bound"}),
    "another bound on requests": (change(("models", 0, "bound_usd_per_request"), half), {"bound"}),
}


def test_the_portfolio_itself_is_verified(service_portfolio):
    report = certify_portfolio(service_portfolio)
    assert report.status == "verified", report.findings
    assert {plan.phases.colocated is None for plan in plans_of(service_portfolio)} == {True, False}


def plans_of(portfolio):
    own = [each.plan for each in portfolio.deployments]
    return own + [member.plan for slot in portfolio.slots for member in slot.members]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_portfolio_fails_the_checks_meant_for_it(name, raw_service_portfolio):
    mutate, failed = MUTANTS[name]
    mutate(raw_service_portfolio)
    report = verify_portfolio(Portfolio.model_validate(raw_service_portfolio))
    assert report.status == "rejected"
    assert set(report.failed) == failed, [str(finding) for finding in report.findings]
    assert not any("cannot be checked" in finding.message for finding in report.findings)


def test_every_check_that_looks_at_prefill_has_a_mutant():
    others = {"tiers"}  # what waits there is weights
    failed = set().union(*(failed for _, failed in MUTANTS.values()))
    assert failed | others >= {check.name for check in CHECKS} - {"agents"}


def test_a_broken_prefill_group_inside_is_found(raw_service_portfolio):
    raw_service_portfolio["deployments"][0]["plan"]["phases"]["prefill"][0]["held_bytes"] *= 0.5
    report = certify_portfolio(Portfolio.model_validate(raw_service_portfolio))
    assert report.failed == ("plans",)
    assert "deployments[0].plan: prefill" in report.findings[0].where


def test_prefill_needs_its_own_devices(raw_service_scenario, service_portfolio):
    # The same question about decode alone rents no gpu.
    assert service_portfolio.devices["gpu"] == 2
    raw = raw_service_scenario() | {"phase": "decode"}
    raw["models"][0].pop("forbidden_modes")
    decode = plan_portfolio(parse_scenario(raw, "test"), gap=0.0)
    assert "gpu" not in decode.devices
    assert decode.usd_per_hour < service_portfolio.usd_per_hour
