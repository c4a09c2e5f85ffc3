"""Paused sessions of plans: those worked out by hand, and laws that hold whatever is asked."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.kv.plan_paused import paused_sessions_of
from placer.plan.plan import Plan
from placer.scenario.retention import Retention
from placer.verify.verify import verify_plan

SPEEDS = st.sampled_from(["1 kB/s", "1 TB/s", "15 TB/s", "40 TB/s", "1 PB/s"])
TIERS = st.lists(
    st.tuples(st.sampled_from(["ddr", "nvme", "pool", "lpddr"]), st.integers(0, 5000), SPEEDS, st.integers(0, 9)),
    max_size=3,
    unique_by=lambda tier: tier[0],
)
SESSIONS = st.fixed_dictionaries(
    {
        "turns": st.integers(1, 9),
        "think_time": st.sampled_from(["0 s", "1 us", "50 us", "3 s"]),
        "prefix_hit_rate": st.sampled_from([0.0, 0.3, 1.0]),
        "compression": st.sampled_from([1.0, 1.7, 8.0]),
    }
)
NAMES = st.sampled_from(["pausing", "drafted"])


def asked(raw, sessions, tiers, paused):
    """Return a plan by hand with another question about its paused sessions, and their answer."""
    scenario = raw["scenario"]
    scenario["workload"] = {**scenario["workload"], "sessions": sessions}
    given_ = [
        {"name": name, "capacity": f"{size} B", "bandwidth": speed, "latency": f"{wait} ps"}
        for name, size, speed, wait in tiers
    ]
    scenario["retention"] = {**scenario["retention"], "tiers": given_, "paused": paused}
    plan = Plan.model_validate(raw | {"paused": None})
    parts = {name: getattr(plan.scenario, name).model_dump_json() for name in ("workload", "retention")}
    hashes = dict(raw["provenance"]["input_sha256"])
    hashes |= {name: hashlib.sha256(text.encode()).hexdigest() for name, text in parts.items()}
    if plan.scenario.retention == Retention():
        del hashes["retention"]
    provenance = plan.provenance.model_copy(update={"input_sha256": hashes})
    return plan.model_copy(update={"paused": paused_sessions_of(plan), "provenance": provenance})


def close(found, expected):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            close(found[name], value)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            close(one, other)
    else:
        assert found == (pytest.approx(expected, rel=1e-9) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("name", ["pausing", "drafted"])
def test_they_are_those_worked_out_by_hand(plans, name):
    plan = Plan.model_validate(plans[name]())
    close(paused_sessions_of(plan).model_dump(), plan.paused.model_dump())


@pytest.mark.parametrize("name", ["dense", "mixed", "pipeline"])
def test_a_workload_without_sessions_has_none(plans, name):
    assert paused_sessions_of(Plan.model_validate(plans[name]())) is None


@settings(max_examples=120)
@given(NAMES, SESSIONS, TIERS, st.none() | st.integers(1, 60))
def test_whatever_is_asked_is_verified_and_no_session_is_lost(plans, name, sessions, tiers, paused):
    plan = asked(plans[name](), sessions, tiers, paused)
    assert [str(finding) for finding in verify_plan(plan).findings] == []
    waiting = plan.paused
    assert sum(place.sessions for place in waiting.places) == waiting.sessions == (paused or waiting.sessions)
    for place in waiting.places:
        assert place.limit is None or place.sessions <= place.limit
        for kept in place.kept:
            assert kept.held_bytes <= kept.room_bytes * (1 + 1e-9)
            assert kept.sessions <= kept.capacity_sessions
    # A tier where recompute is faster is never chosen.
    assert not any(place.sessions for place in waiting.places[1:-1] if place.decision == "recompute")


@settings(max_examples=60)
@given(NAMES, SESSIONS, TIERS, st.integers(1, 60), st.integers(0, 3000))
def test_more_of_a_tier_never_costs_more(plans, name, sessions, tiers, paused, more):
    before = asked(plans[name](), sessions, tiers, paused).paused.pause_cost_s
    larger = [(tier, size + more, speed, wait) for tier, size, speed, wait in tiers]
    quicker = [(tier, size, "1 PB/s", 0) for tier, size, _, _ in tiers]
    smaller = sessions | {"compression": 2 * sessions["compression"]}
    for question in ((sessions, larger), (sessions, quicker), (smaller, tiers)):
        assert asked(plans[name](), *question, paused).paused.pause_cost_s <= before * (1 + 1e-9)


@given(SESSIONS, st.integers(1, 60))
def test_compression_changes_nothing_where_ops_run(plans, sessions, paused):
    hbm = [
        asked(plans["pausing"](), sessions | {"compression": factor}, (), paused).paused.places[0]
        for factor in (1.0, 4.0)
    ]
    assert hbm[0] == hbm[1]


def test_a_full_plan_leaves_waiting_what_littles_law_says(plans):
    sessions = plans["pausing"]()["scenario"]["workload"]["sessions"]
    # 24 users, answers of two steps of 50432 ns
    for think, waiting in (("0 s", 0), ("1 ns", 1), ("100.864 us", 24), ("10.0864 s", 2_400_000)):
        found = asked(plans["pausing"](), sessions | {"think_time": think}, (), None).paused
        assert found.sessions == pytest.approx(waiting, abs=1 if waiting > 24 else 0)


def test_a_draft_model_that_does_not_fit_is_told_and_leaves_no_room(plans):
    raw = plans["drafted"]()
    draft = raw["scenario"]["retention"]["draft"]
    draft["layers"] = [{"repeat": 9, "pattern": draft["layers"][0]["pattern"]}]
    plan = asked(raw, {"turns": 2, "think_time": "1 ms"}, (), 4)
    sidecar = plan.paused.holders[1]
    # eight layers more: 176 B of weights and, for two running sequences, 2 * 72 B of KV cache each
    assert sidecar.free_bytes == 240 - 8 * (176 + 2 * 72)
    assert plan.paused.places[0].limit == 0


def test_two_groups_wait_together_as_deep_as_both_have_tiers(plans):
    sessions = {"turns": 2, "think_time": "1 ms"}
    names = [place.name for place in asked(plans["drafted"](), sessions, (), 4).paused.places]
    assert names == ["hbm", "ddr+lpddr", "recompute"]
    # given, it replaces that of the host, and is the second of the sidecar: only one tier is left of the host
    names = [place.name for place in asked(plans["drafted"](), sessions, [("ddr", 9, "1 TB/s", 0)], 4).paused.places]
    assert names == ["hbm", "ddr+lpddr", "recompute"]
