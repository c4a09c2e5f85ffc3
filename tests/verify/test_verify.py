import copy
import json

import pytest
from pydantic import ValidationError

from placer.plan.files import load_plan, save_plan
from placer.plan.plan import Plan
from placer.verify.verify import CHECKS, verify_plan

ODD = (0, 1, 3, 10**9, 0.0, 1e300, "none", [], {}, None)


@pytest.mark.parametrize(
    "name",
    ["dense", "cut", "mixed", "copied", "drifting", "pipeline", "pausing", "drafted", "speculating", "drafting_beside"],
)
def test_a_plan_worked_out_by_hand_is_verified(plans, name):
    report = verify_plan(Plan.model_validate(plans[name]()))
    assert [str(finding) for finding in report.findings] == []
    assert report.status == "verified"
    assert [check.name for check in report.checks] == [check.name for check in CHECKS]


def test_a_plan_is_verified_from_its_file(plans, tmp_path):
    save_plan(Plan.model_validate(plans["mixed"]()), tmp_path / "plan.json")
    assert verify_plan(load_plan(tmp_path / "plan.json")).status == "verified"


def test_the_figures_are_derived_anew(plans):
    plan = plans["mixed"]()
    plan["metrics"] = dict.fromkeys(plan["metrics"], 1)
    recomputed = verify_plan(Plan.model_validate(plan)).recomputed
    assert recomputed.law_step_time_s == pytest.approx(134_026.5e-9)
    assert recomputed.users == 2
    assert recomputed.usd_per_million_output_tokens == pytest.approx(1e6 * 2.5 / (3600 * 10_000))


@pytest.mark.parametrize(("stated", "used"), [(0.0, 134_026.5e-9), (134_027e-9, 134_027e-9), (1.0, 1.0)])
def test_a_step_may_be_longer_than_the_law_but_not_shorter(plans, stated, used):
    plan = plans["mixed"]()
    plan["metrics"]["step_time_s"] = stated
    recomputed = verify_plan(Plan.model_validate(plan)).recomputed
    assert recomputed.step_time_s == pytest.approx(used)
    assert recomputed.capacity_tokens_per_s == pytest.approx(2 / used)


def test_an_edited_input_is_noticed(plans):
    plan = plans["dense"]()
    plan["scenario"]["fleet"]["title"] = "another"
    assert verify_plan(Plan.model_validate(plan)).failed == ("provenance",)


def test_tiers_given_by_hand_are_hashed(plans):
    plan = plans["drafted"]()
    assert "retention" in plan["provenance"]["input_sha256"]
    del plan["provenance"]["input_sha256"]["retention"]
    assert verify_plan(Plan.model_validate(plan)).failed == ("provenance",)


def test_a_guessed_tier_that_sessions_may_wait_in_is_named(plans, hashes):
    plan = plans["pausing"]()
    source = plan["scenario"]["fleet"]["devices"]["wide"]["sources"][0]
    source["covers"] = ["memory.hbm", *(figure for figure in source["covers"] if figure != "memory")]
    estimates = plan["provenance"]["estimates"]
    for named, failed in (([], ("provenance",)), (["wide.memory.ddr"], ())):
        plan["provenance"] |= {
            "estimates": sorted({*estimates, *named}),
            "input_sha256": hashes(plan["scenario"]),
        }
        assert verify_plan(Plan.model_validate(plan)).failed == failed


@pytest.mark.parametrize(
    ("words", "is_kept"),
    # the hand plans have a gap of exactly 1/4
    [
        ("proven within 25 % of optimal", True),
        ("proven within 25.1 % of optimal", True),
        ("proven within 24.9 % of optimal", False),
        ("optimal", False),
        ("a good plan", True),
    ],
)
def test_a_verdict_claims_no_more_than_is_proven(plans, words, is_kept):
    report = verify_plan(Plan.model_validate(plans["dense"]() | {"verdict": words}))
    assert report.failed == (() if is_kept else ("bound",))


@pytest.mark.parametrize(("excess", "is_kept"), [(1e-12, True), (0.25e-9, True), (1e-8, False)])
def test_a_claim_may_be_off_by_float_error(plans, excess, is_kept):
    plan = plans["dense"]()
    price = plan["metrics"]["usd_per_million_output_tokens"]
    gap = 0.25 + excess
    plan["bound"] = {"usd_per_million_output_tokens": (1 - gap) * price, "relative_gap": gap}
    plan["verdict"] = "proven within 25 % of optimal"
    assert verify_plan(Plan.model_validate(plan)).failed == (() if is_kept else ("bound",))


def test_figures_are_not_derived_from_a_broken_structure(plans):
    plan = plans["dense"]()
    plan["placement"]["layers"].pop()
    report = verify_plan(Plan.model_validate(plan))
    skipped = {check.name for check in report.checks if check.skipped}
    assert skipped == {
        "capacity",
        "kv",
        "paused",
        "robust",
        "timing",
        "occupancy",
        "links",
        "target",
        "money",
        "speculation",
        "prefill",
        "colocated",
        "service",
    }
    assert report.recomputed is None
    assert all("residency" in check.what for check in report.checks if check.skipped)


def test_a_plan_without_its_parts_is_rejected(plans):
    plan = Plan.model_validate(plans["dense"]()).model_copy(update={"placement": None})
    assert verify_plan(plan).failed == ("schema",)


@pytest.mark.parametrize("name", ["mixed", "pipeline", "drafted"])
def test_no_plan_however_broken_stops_the_verifier(plans, name):
    whole = json.loads(Plan.model_validate(plans[name]()).model_dump_json())
    verified = 0
    for broken in _broken_once(whole):
        try:
            plan = Plan.model_validate(broken)
        except ValidationError:
            continue
        verify_plan(plan)
        verified += 1
    assert verified > 100


def _broken_once(whole):
    """Yield the plan with one value after the other replaced by odd ones."""
    for place in _places(whole):
        for odd in ODD:
            plan = copy.deepcopy(whole)
            holder = plan
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = odd
            yield plan


def _places(value, place=()):
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, entry in entries:
        if place or key in {"placement", "groups", "batch", "devices", "memory", "paused"}:
            yield (*place, key)
            if isinstance(entry, dict | list):
                yield from _places(entry, (*place, key))
        elif key == "scenario":
            for name in ("workload", "target", "space", "retention"):
                yield from _places(entry[name], (key, name))
