"""How answers with prefill move: deadlines, first tokens, demands, where prompts may be computed."""

import pytest

from placer.plan.plan import Status
from placer.portfolio.certify import certify_portfolio
from placer.portfolio.plan import plan_portfolio
from placer.portfolio.read import parse_scenario


def planned(raw):
    return plan_portfolio(parse_scenario(raw, "test"), gap=0.0)


def rent(raw):
    portfolio = planned(raw)
    if portfolio.status is not Status.PLANNED:
        return float("inf")
    assert certify_portfolio(portfolio).status == "verified"
    return portfolio.usd_per_hour


def test_more_demand_never_costs_less(raw_service_scenario):
    raw, rents = raw_service_scenario(), []
    for requests_per_s in (0.1, 0.7, 1.5, 2.4):
        raw["models"][0]["requests_per_s"] = requests_per_s
        rents.append(rent(raw))
    assert rents == sorted(rents)
    assert rents[0] < rents[-1] < float("inf")


def test_a_looser_deadline_never_costs_more(raw_service_scenario):
    raw, rents = raw_service_scenario(), []
    raw["models"] = [raw["models"][0] | {"requests_per_s": 0.7}]
    raw["tiers"] = []
    for end_to_end in ("4 s", "5 s", "7 s"):
        raw["agents"][0]["end_to_end"] = end_to_end
        rents.append(rent(raw))
    # Two chips and prompts of 1 s: 4 s without any wait, and 1.17 s more for each call where one gpu has all of them.
    assert rents == sorted(rents, reverse=True)
    assert rents[0] == float("inf")
    assert rents[-1] < float("inf")


def test_a_group_more_shortens_the_wait_that_makes_an_agent_late(raw_service_scenario):
    raw = raw_service_scenario()
    raw["models"], raw["tiers"] = [raw["models"][0] | {"requests_per_s": 0.7}], []
    raw["agents"][0]["end_to_end"] = "7 s"
    patient = planned(raw)
    raw["agents"][0]["end_to_end"] = "5 s"
    hurried = planned(raw)
    groups = [each.deployments[0].plan.phases.prefill[0].groups for each in (patient, hurried)]
    assert groups[0] == 1 < groups[1]
    assert hurried.models[0].ttft_s < patient.models[0].ttft_s


@pytest.mark.parametrize("demands", [(0.7, 0.7), (1.5, 0.3), (2.3, 1.0)])
@pytest.mark.parametrize("unit", [1, 2, 4])
def test_two_models_cost_what_counting_says(raw_service_scenario, demands, unit):
    # A chip makes 1 token/s for 3.6, a gpu prefills 0.8 prompts/s for 14.4; 100 s to first token leave no other way.
    raw = raw_service_scenario()
    raw["fleet"]["pools"][1].update({"count": 8, "unit": unit})
    base = raw["models"][0] | {"ttft": "100 s"}
    raw["models"] = [base | {"name": f"model-{i}", "requests_per_s": demand} for i, demand in enumerate(demands)]
    chips = sum(-(-demand // 1) for demand in demands)
    gpus = sum(-(-demand // 0.8) for demand in demands)
    least = chips * 3.6 + -(-gpus // unit) * unit * 14.4
    portfolio = planned(raw | {"tiers": [], "agents": []})
    assert portfolio.usd_per_hour == pytest.approx(least)
    assert portfolio.bound.usd_per_hour <= least * (1 + 1e-9)


def test_prompts_found_in_a_cache_cost_less(raw_service_scenario):
    raw = raw_service_scenario()
    raw["models"], raw["tiers"], raw["agents"] = [raw["models"][0] | {"requests_per_s": 2.0}], [], []
    cold = rent(raw)
    raw["models"][0]["prefix_hit_rate"] = 0.9
    assert rent(raw) <= cold


def test_first_tokens_that_cannot_be_in_time_are_refused(raw_service_scenario):
    raw = raw_service_scenario()
    raw["models"], raw["tiers"], raw["agents"] = [raw["models"][0] | {"ttft": "100 ms"}], [], []
    refused = planned(raw)
    assert refused.status is Status.INFEASIBLE
    assert "no first token is there in time" in refused.verdict


def test_a_short_inventory_of_prefill_is_named(raw_service_scenario):
    raw = raw_service_scenario()
    # Four gpus take 3.2 prompts/s; within other pools KV cache takes 10,000 s.
    asked = {"requests_per_s": 3.5, "ttft": "100 s"}
    raw["models"], raw["tiers"], raw["agents"] = [raw["models"][0] | asked], [], []
    refused = planned(raw)
    assert refused.status is not Status.PLANNED
    assert "inventory: gpu" in refused.refusal.conflict


@pytest.mark.parametrize("phase", ["service", "decode"])
def test_the_same_question_gives_the_same_answer(raw_service_scenario, phase):
    raw = raw_service_scenario() | {"phase": phase}
    if phase == "decode":
        raw["models"][0].pop("forbidden_modes")
    same = {"verdict", "search", "deployments", "slots"}
    assert planned(raw).model_dump(exclude=same) == planned(raw).model_dump(exclude=same)


@pytest.mark.parametrize(("end_to_end", "period_s"), [("40 s", 15.0), ("25 s", None)])
def test_an_agent_waits_for_turn_switch_and_prompts_of_a_cold_model(raw_service_scenario, end_to_end, period_s):
    raw = raw_service_scenario()
    raw["models"] = raw["models"][1:]
    calls = [{"id": "ask", "model": "first", "isl": 16, "osl": 4}]
    raw["agents"] = [{"name": "caller", "requests_per_s": 1e-6, "end_to_end": end_to_end, "calls": calls}]
    portfolio = planned(raw)
    assert certify_portfolio(portfolio).status == "verified"
    (slot,) = portfolio.slots
    # Turns of two prompts take 1 + 2 + 4 x 0.785 s, of one a second less; so the shortest period is 10.28 or 12.28 s.
    assert slot.period_s * (1 + 1e-5) >= 2 * (1 + 1 + 3.14094)
    assert period_s is None or slot.period_s <= period_s
    (call,) = portfolio.agents[0].calls
    member = next(member for member in slot.members if member.model == "first")
    assert call.switch_wait_s == pytest.approx(slot.period_s + 1.0)
    assert call.ttft_s == pytest.approx(1.0 * member.batch_requests)
    assert call.end_s == pytest.approx(call.switch_wait_s + call.ttft_s + 3.14094, rel=1e-5)
    assert call.end_s <= portfolio.agents[0].end_to_end_s
