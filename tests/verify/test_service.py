"""Plans of whole services: worked out by hand, made by the planner, and broken."""

import copy
import json

import pytest
from pydantic import ValidationError

from placer.api import build_scenario, plan_scenario
from placer.catalog.loader import load_fleet
from placer.certify import certify
from placer.plan.files import load_plan, save_plan
from placer.plan.plan import Plan, Status
from placer.scenario.service import Mode
from placer.verify.verify import CHECKS, verify_plan

NS = 1e-9
ODD = (0, 1, 3, 10**9, 0.0, 1e300, "none", [], {}, None)


@pytest.mark.parametrize("name", ["disaggregated", "two_pools", "colocated"])
def test_a_service_worked_out_by_hand_is_verified(services, name):
    report = verify_plan(Plan.model_validate(services[name]()))
    assert [str(finding) for finding in report.findings] == []
    assert report.status == "verified"
    assert [check.name for check in report.checks] == [check.name for check in CHECKS]


@pytest.mark.parametrize(
    ("name", "ttft_ns", "request_s", "usd_per_hour"),
    [
        ("disaggregated", 43_360, 34_592 * NS, 4.0),
        ("two_pools", None, 1 / (1 / (34_592 * NS) + 1 / (24_544 * NS)), 5.0),
        ("colocated", None, 89_648 * NS, 0.5),
    ],
)
def test_figures_of_the_whole_are_derived_anew(services, name, ttft_ns, request_s, usd_per_hour):
    plan = services[name]()
    stated = plan["metrics"]
    plan["metrics"] = stated | dict.fromkeys(stated, 1)
    recomputed = verify_plan(Plan.model_validate(plan)).recomputed
    sold = 0.5 if name == "colocated" else 1.0
    assert recomputed.requests_per_s == pytest.approx(1 / request_s)
    assert recomputed.usd_per_request == pytest.approx(usd_per_hour * request_s / 3600 / sold)
    for figure in ("ttft_s", "ttft_p99_s", "usd_per_million_input_tokens", "usd_per_million_output_tokens"):
        assert getattr(recomputed, figure) == pytest.approx(stated[figure]), figure
    if ttft_ns is not None:
        assert recomputed.ttft_s == pytest.approx(ttft_ns * NS)


def test_input_and_output_tokens_pay_for_a_request(services):
    for name, make in services.items():
        plan = make()
        recomputed = verify_plan(Plan.model_validate(plan)).recomputed
        workload = plan["scenario"]["workload"]
        paid = workload["input_tokens"] * recomputed.usd_per_million_input_tokens
        paid += workload["output_tokens"] * recomputed.usd_per_million_output_tokens
        assert paid / 1e6 == pytest.approx(recomputed.usd_per_request), name


def test_decode_is_simulated_by_itself(services):
    for name in services:
        plan = services[name]()
        report = certify(Plan.model_validate(plan))
        assert report.status == "verified", [str(finding) for finding in report.findings]
        assert report.checks[-1].name == "simulation"
    plan["phases"]["decode"]["metrics"]["step_time_s"] *= 1.01
    found = [finding for finding in certify(Plan.model_validate(plan)).findings if finding.check == "simulation"]
    assert [finding.where for finding in found] == ["phases.decode.metrics.step_time_s"]


SMALL = {"input_tokens": 2000, "output_tokens": 500}
NO_COLOCATED = {"forbidden_modes": ("colocated",)}
NO_DISAGGREGATED = {"forbidden_modes": ("disaggregated",)}
LONE = {"max_groups": 1, "max_width": 1, "max_stages": 1}

#: model, fleet and counts, tokens per second per user, service, other parts of the question
PLANNED = {
    "hits": (
        *("llama-3.1-8b", "h100-8x", {"h100": 16}, 60),
        {"ttft": "1 s", "prefix_hit_rate": 0.4, "prefix_bandwidth": "10 GB/s", **NO_COLOCATED},
        {},
    ),
    "percentile": ("llama-3.1-8b", "h100-8x", {"h100": 16}, 60, {"ttft_p99": "0.3 s"}, {}),
    "colocated": ("llama-3.1-8b", "h100-8x", {"h100": 8}, 60, {"ttft": "1 s", **NO_DISAGGREGATED}, {}),
    "colocated stages": (
        *("llama-3.1-70b", "h20-l40s", {"h20": 8, "l40s": 8}, 8),
        {"ttft": "9 s", **NO_DISAGGREGATED},
        {"space": {"max_width": 1}},
    ),
    "drafting": (
        *("llama-3.1-70b", "h100-8x", {"h100": 16}, 60, {"ttft": "1 s", **NO_COLOCATED}),
        {"speculation": {"kind": "mtp", "acceptance": 0.85}},
    ),
    "experts": ("olmoe-1b-7b", "h100-8x", {"h100": 8}, 100, {"ttft": "1 s", **NO_COLOCATED}, {}),
    "uneven experts": (
        *("olmoe-1b-7b", "h100-8x", {"h100": 8}, 100, {"ttft": "1 s", **NO_DISAGGREGATED}),
        {"workload": {"routing": {"kind": "zipf", "exponent": 0.7}}},
    ),
    "two pools": (
        *("llama-3.1-8b", "h20-l40s", {"h20": 8, "l40s": 8}, 40, {"ttft": "2 s", **NO_COLOCATED}),
        {"space": LONE, "target": {"tokens_per_s": 24_000.0}, "workload": {"utilisation": 0.7}},
    ),
}


def planned(name):
    model, fleet_name, counts, speed, service, other = PLANNED[name]
    fleet = load_fleet(fleet_name)
    pools = tuple(pool.model_copy(update={"count": counts[pool.name]}) for pool in fleet.pools)
    scenario = build_scenario(
        model,
        fleet.model_copy(update={"pools": pools}),
        workload=SMALL | other.get("workload", {}),
        target={"tokens_per_s_per_user": speed} | other.get("target", {}),
        service=service,
        **{key: value for key, value in other.items() if key not in {"workload", "target"}},
    )
    return plan_scenario(scenario, budget_s=20)


@pytest.mark.parametrize("name", PLANNED)
def test_services_that_are_planned_are_verified(name, tmp_path):
    plan = planned(name)
    assert plan.status is Status.PLANNED
    save_plan(plan, tmp_path / "plan.json")
    report = certify(load_plan(tmp_path / "plan.json"))
    assert [str(finding) for finding in report.findings] == []
    is_colocated = plan.phases.colocated is not None
    assert (Mode.COLOCATED if is_colocated else Mode.DISAGGREGATED) not in plan.scenario.service.forbidden_modes
    shown = {
        "hits": sum(pool.chunks.found_tokens for pool in plan.phases.prefill) > 0,
        "colocated stages": plan.groups[0].stages > 1,
        "drafting": plan.batch.draft_tokens > 0,
        "two pools": len(plan.phases.prefill) == 2,
    }
    assert shown.get(name, True)


@pytest.mark.parametrize("name", ["disaggregated", "two_pools", "colocated"])
def test_no_service_however_broken_stops_the_verifier(services, name):
    whole = json.loads(Plan.model_validate(services[name]()).model_dump_json())
    verified = 0
    for place in places(whole):
        for odd in ODD:
            broken = copy.deepcopy(whole)
            holder = broken
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = odd
            try:
                plan = Plan.model_validate(broken)
            except ValidationError:
                continue
            verify_plan(plan)
            verified += 1
    assert verified > 100


def places(value, place=()):
    """Yield where anything stands in the phases, and in the service asked for."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, entry in entries:
        if place or key in {"phases", "mode", "bound"}:
            yield (*place, key)
            if isinstance(entry, dict | list):
                yield from places(entry, (*place, key))
        elif key == "scenario":
            yield from places(entry["service"], (key, "service"))
