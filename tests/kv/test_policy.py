from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.api import kv_tiers
from placer.errors import InputError
from placer.kv.break_even import break_even_think_s
from placer.kv.policy import Choice, assign, pause_cost_s
from placer.scenario.sessions import Sessions
from placer.scenario.workload import Workload

COSTS = st.integers(0, 20).map(float)
TIERS = ("ddr:256GB@55GB/s", "nvme:3.84TB@14GB/s+80us")


def ask(**more):
    fields = {"turns": 8, "think_time": "60 s"} | more.pop("sessions", {})
    return kv_tiers("llama-3.1-70b", "h200-sxm", context=32_768, sessions=fields, **({"tiers": TIERS} | more))


@given(st.lists(st.tuples(COSTS, st.integers(0, 6)), max_size=4), COSTS, st.integers(0, 8))
def test_the_choice_is_that_of_brute_force(places, dropped, sessions):
    choices = [Choice(str(index), *place) for index, place in enumerate(places)] + [Choice("recompute", dropped)]
    found = assign(choices, sessions)
    ranges = [range(sessions + 1 if choice.limit is None else choice.limit + 1) for choice in choices]
    costs = [
        sum(count * choice.cost_s for count, choice in zip(counts, choices, strict=True))
        for counts in product(*ranges)
        if sum(counts) == sessions
    ]
    assert sum(found) == sessions
    assert all(choice.limit is None or count <= choice.limit for count, choice in zip(found, choices, strict=True))
    assert sum(count * choice.cost_s for count, choice in zip(found, choices, strict=True)) == min(costs)


def test_a_pause_costs_what_it_holds_and_what_coming_back_takes():
    sessions = Sessions(turns=4, think_time="60 s", prefix_hit_rate=0.5)
    # three pauses of four end with a turn; half of those start anew
    assert pause_cost_s(sessions, 7.0, 2.0, 10.0) == pytest.approx(7.0 + 0.75 * (0.5 * 2.0 + 0.5 * 10.0))


def test_at_the_break_even_pause_both_cost_the_same():
    sessions, share = Sessions(turns=4, think_time="60 s", prefix_hit_rate=0.5), 0.01
    think = break_even_think_s(2.0, sessions, share)
    held = pause_cost_s(sessions, think * share, 0.0, 10.0)
    assert held == pytest.approx(pause_cost_s(sessions, 0.0, 2.0, 10.0))
    assert break_even_think_s(2.0, sessions, 0.0) is None


@pytest.mark.parametrize(("think_time", "policy"), [("100 ms", "1 of 1 in hbm"), ("60 s", "1 of 1 in ddr")])
def test_short_pauses_stay_in_hbm(think_time, policy):
    assert ask(sessions={"think_time": think_time}).policy == policy


def test_the_next_tier_takes_what_the_first_cannot_hold():
    answer = ask(paused=100)
    hbm, ddr, nvme, dropped = answer.tiers
    # 512 GB of DDR hold 47 sessions of 10.74 GB
    assert ddr.capacity_sessions == int(512e9 / (32_768 * 327_680)) == 47
    assert [each.sessions for each in (hbm, ddr, nvme, dropped)] == [0, 47, 53, 0]
    assert [each.hit_rate for each in answer.tiers] == pytest.approx([0, 0.47, 0.53, 0])
    assert answer.pause_cost_s == pytest.approx(0.47 * ddr.cost_s + 0.53 * nvme.cost_s)


def test_a_tier_serves_no_more_sessions_than_it_can_bring_back():
    nvme = ask(paused=1000).tiers[2]
    reload = 32_768 * 327_680 / 2 / 14e9
    assert nvme.resume_s == pytest.approx(reload + 80e-6)
    assert nvme.traffic_sessions == int(60 / (7 / 8 * reload))
    assert nvme.sessions == nvme.traffic_sessions < nvme.capacity_sessions


def test_sessions_that_never_come_back_are_dropped():
    answer = ask(sessions={"turns": 1}, paused=10)
    assert answer.tiers[0].cost_s > answer.tiers[-1].cost_s == 0.0


def test_nothing_used_again_is_worth_nothing():
    answer = ask(sessions={"prefix_hit_rate": 0.0})
    assert sum(each.hit_rate for each in answer.tiers) == 0.0
    assert answer.tiers[1].cost_s == pytest.approx(answer.tiers[-1].cost_s)


@pytest.mark.parametrize("paused", [1, 10, 100, 1000])
def test_a_faster_or_larger_tier_never_costs_more(paused):
    before = ask(paused=paused).pause_cost_s
    assert ask(paused=paused, tiers=("ddr:256GB@110GB/s", TIERS[1])).pause_cost_s <= before
    assert ask(paused=paused, tiers=("ddr:512GB@55GB/s", TIERS[1])).pause_cost_s <= before
    assert ask(paused=paused, sessions={"compression": 2}).pause_cost_s <= before
    assert ask(paused=paused, tiers=TIERS[:1]).pause_cost_s >= before


def test_rent_is_that_of_all_devices_of_the_rank():
    answer = ask()
    assert answer.tp == 2
    assert answer.pause_cost_usd == pytest.approx(answer.pause_cost_s * 2 * 1.41 / 3600)


def test_a_workload_without_sessions_is_written_as_before():
    plain = Workload(input_tokens=7, output_tokens=2)
    assert "sessions" not in plain.model_dump_json()
    fields = {"turns": 3, "think_time": "60 s"}
    whole = Workload(input_tokens=7, output_tokens=2, sessions=fields)
    assert Workload.model_validate_json(whole.model_dump_json()) == whole
    assert kv_tiers("llama-8b", "h200-sxm", context=100, sessions=whole.sessions).workload.turns == 3


@pytest.mark.parametrize(
    "fields", [{"turns": 0}, {"think_time": 60}, {"prefix_hit_rate": 1.1}, {"compression": 0.5}, {"turn": 3}]
)
def test_bad_sessions_are_refused(fields):
    with pytest.raises(InputError, match="sessions"):
        ask(sessions=fields)


def test_a_session_must_fit():
    with pytest.raises(InputError, match="session of 400,000 tokens"):
        kv_tiers("llama-3.1-70b", "h200-sxm", context=400_000, tp=2, sessions={"turns": 2, "think_time": "1 s"})
