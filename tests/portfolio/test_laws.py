"""How answers move: tiers, demands, inventories, prices, names."""

import pytest

from placer.plan.plan import Status
from placer.portfolio.plan import plan_portfolio
from placer.portfolio.read import parse_scenario


def planned(raw, **changes):
    return plan_portfolio(parse_scenario(raw | changes, "test"), gap=0.0)


@pytest.fixture
def many(raw_scenario):
    """Four models that are asked now and then, on a fleet of four chips, weights in a tier of a given bandwidth."""

    def scenario(bandwidth):
        raw = raw_scenario()
        model = raw["models"][0]
        raw["fleet"]["pools"][0].update({"count": 4, "unit": 1})
        raw["models"] = [model | {"name": f"model-{number}", "wait": "10 s"} for number in range(4)]
        raw["tiers"][0].update({"bandwidth": bandwidth, "capacity": "4 kB"})
        return raw | {"agents": []}

    return scenario


@pytest.mark.parametrize(
    ("bandwidth", "chips"),
    [
        ("440 B/s", 1),  # 4 x (1 + 1) = 8 s of at most 10
        ("220 B/s", 2),  # 4 x (2 + 1) = 12 s, so two slots of two
        ("88 B/s", 4),  # two turns of 5 + 1 s do not fit
    ],
)
def test_a_faster_tier_makes_many_models_cheaper(many, bandwidth, chips):
    # B10 of docs/claims.md: what counts is the time to reload weights, bytes over bandwidth.
    assert planned(many(bandwidth)).usd_per_hour == pytest.approx(3.6 * chips)


def test_a_larger_inventory_or_less_demand_never_costs_more(raw_scenario):
    raw = raw_scenario()
    base = planned(raw).usd_per_hour
    raw["models"][2]["requests_per_s"] = 0.25
    assert planned(raw).usd_per_hour <= base
    raw["fleet"]["pools"][0]["count"] = 8
    assert planned(raw).usd_per_hour <= base


def test_a_looser_deadline_never_costs_more(raw_scenario):
    raw = raw_scenario()
    costs = []
    for limit in ("13 s", "16 s", "25 s"):
        raw["agents"][0]["end_to_end"] = limit
        portfolio = planned(raw)
        costs.append(float("inf") if portfolio.status is not Status.PLANNED else portfolio.usd_per_hour)
    assert costs == sorted(costs, reverse=True)


def test_prices_scale_and_names_do_not_matter(raw_scenario):
    raw = raw_scenario()
    base = planned(raw)
    raw["fleet"]["devices"]["slow"]["price"]["tco"] = "10.8 USD/h"
    dearer = planned(raw)
    assert dearer.usd_per_hour == pytest.approx(3 * base.usd_per_hour)
    assert [model.usd_per_hour for model in dearer.models] == pytest.approx(
        [3 * model.usd_per_hour for model in base.models]
    )
    raw = raw_scenario()
    raw["models"] = raw["models"][::-1]
    turned = planned(raw)
    assert turned.usd_per_hour == pytest.approx(base.usd_per_hour)
    assert {model.model: model.mode for model in turned.models} == {model.model: model.mode for model in base.models}


def test_the_same_question_gives_the_same_answer(raw_scenario, portfolio):
    again = planned(raw_scenario())
    same = {"verdict", "search", "deployments", "slots"}
    assert again.model_dump(exclude=same) == portfolio.model_dump(exclude=same)


def test_a_stated_ttft_delays_every_call(raw_scenario):
    raw = raw_scenario()
    raw["models"][2]["ttft"] = "500 ms"
    later = planned(raw)
    call = next(call for call in later.agents[0].calls if call.model == "always")
    assert call.ttft_s == 0.5
    assert call.end_s - call.start_s == pytest.approx(call.decode_s + 0.5)


@pytest.mark.parametrize("demands", [(1, 1), (3, 2), (0.5, 4), (5, 3)])
@pytest.mark.parametrize(("unit", "price"), [(1, 18), (2, 18), (2, 60)])
def test_two_models_on_two_pools_cost_what_counting_says(raw_scenario, demands, unit, price):
    # Slow chips make 1 token/s for 3.6, fast ones 10 for the price; the second model's users want the fast ones.
    raw = raw_scenario()
    fleet = raw["fleet"]
    slow = fleet["devices"]["slow"]
    fast = slow | {"memory": [slow["memory"][0] | {"bandwidth": "5120 B/s"}], "price": {"tco": f"{price} USD/h"}}
    fleet["devices"] = {"slow": slow, "fast": fast}
    pool = fleet["pools"][0] | {"unit": unit, "count": 6}
    fleet["pools"] = [pool, pool | {"name": "fast", "device": "fast"}]
    base = raw["models"][2]
    raw["models"] = [
        base | {"name": "patient", "requests_per_s": float(demands[0])},
        base | {"name": "hurried", "requests_per_s": float(demands[1]), "tokens_per_s_per_user": 5},
    ]
    least = min(
        unit * (-(-slow_chips // unit) * 3.6 + -(-(fast_chips + hurried) // unit) * price)
        for slow_chips in range(7)
        for fast_chips in range(7)
        for hurried in range(1, 7)
        if slow_chips + 10 * fast_chips >= demands[0]
        if 10 * hurried >= demands[1]
        if -(-(fast_chips + hurried) // unit) * unit <= 6
    )
    portfolio = planned(raw, agents=[], tiers=[])
    assert portfolio.usd_per_hour == pytest.approx(least)
    assert portfolio.bound.usd_per_hour <= least * (1 + 1e-9)


def test_absurd_demands_and_deadlines_are_refused_not_overflowed(raw_scenario):
    raw = raw_scenario()
    raw["models"][2]["requests_per_s"] = 1e12
    raw["agents"][0]["end_to_end"] = "100000 s"
    refused = planned(raw)
    assert refused.status is Status.INFEASIBLE
    assert "not even with 64 times the inventory" in refused.refusal.reason


def test_a_slow_agent_is_planned_too(raw_scenario):
    raw = raw_scenario()
    raw["agents"][0].update({"end_to_end": "90000 s", "requests_per_s": 1e-5})
    assert planned(raw).status is Status.PLANNED
