"""A plan over time: replicas, units and money of a hand-counted plan, refusals, and what must always hold."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from placer.cost.queueing import queue_wait
from placer.demand.answer import Outcome
from placer.demand.choose import cheapest_plan
from placer.demand.prices import Prices
from placer.demand.profile import Profile
from placer.demand.size import Question, size_over_time
from placer.errors import InputError

BOTH = Prices.model_validate(
    {"reserved": {"price": 0.5, "source": "by hand"}, "on_demand": {"price": 1.0, "source": "by hand"}}
)
#: 50 requests of 1 s in service by day: at most 67 in 99 % of the time, 7 replicas of 10 slots, 2 units of 4 chips.
#: 5 by night: at most 11, 2 replicas, 1 unit.
DAY = Profile(name="by hand", requests_per_s=(5.0,) * 14 + (50.0,) * 10)
#: What a unit costs: 4 chips of 3.6 USD/h.
UNIT_USD = 14.4


def test_a_day_counted_by_hand(chips):
    assert stats.poisson.cdf([66, 67], 50).round(4).tolist() == [0.9875, 0.9911]
    assert stats.poisson.cdf([10, 11], 5).round(4).tolist() == [0.9863, 0.9945]
    answer = size_over_time(Question(chips, DAY, BOTH))
    night, day = answer.hours[0], answer.hours[-1]
    assert (answer.slots_per_replica, answer.residence_s) == (10, pytest.approx(1.0, rel=1e-9))
    assert (night.users_at_percentile, night.replicas, night.slots, night.units) == (11, 2, 20, (1,))
    assert (day.users_at_percentile, day.replicas, day.slots, day.units) == (67, 7, 70, (2,))
    # The second unit is used 10 of 24 hours: 10 by the hour against 12 reserved. 24 x 0.5 + 10 unit-hours = 22.
    assert (answer.pools[0].reserved_units, answer.pools[0].on_demand_unit_hours) == (1, 10)
    assert answer.usd == pytest.approx(22 * UNIT_USD, rel=1e-9)
    # The peak in every hour, reserved: 2 x 24 x 0.5 = 24 unit-hours.
    assert answer.constant_usd == pytest.approx(24 * UNIT_USD, rel=1e-9)
    requests = 3600 * (14 * 5 + 10 * 50)
    assert answer.num_requests == requests
    assert answer.usd_per_request == pytest.approx(22 * UNIT_USD / requests, rel=1e-9)
    # One output token a request.
    assert answer.usd_per_million_output_tokens == pytest.approx(1e6 * 22 * UNIT_USD / requests, rel=1e-9)
    assert answer.utilisation == pytest.approx((14 * 5 + 10 * 50) / (14 * 20 + 10 * 70), rel=1e-9)
    assert answer.constant_utilisation == pytest.approx((14 * 5 + 10 * 50) / (24 * 70), rel=1e-9)
    assert day.wait_p99_s == queue_wait(70, 50.0, answer.residence_s, 1.0).p99_s


def test_reserved_units_that_nobody_needs_are_paid_for(chips):
    # 13 hours of the second unit: reserved it is (12 < 13), and idle for 11.
    profile = Profile(requests_per_s=(5.0,) * 11 + (50.0,) * 13)
    answer = size_over_time(Question(chips, profile, BOTH))
    (pool,) = answer.pools
    assert (pool.reserved_units, pool.on_demand_unit_hours, pool.idle_unit_hours) == (2, 0, 11)
    assert answer.idle_usd == pytest.approx(11 * UNIT_USD * 0.5, rel=1e-9)
    assert answer.hours[0].idle_units == (1,)


def test_without_prices_every_hour_pays_for_the_peak(chips):
    answer = size_over_time(Question(chips, DAY))
    assert answer.usd == answer.constant_usd == pytest.approx(2 * 24 * UNIT_USD, rel=1e-9)
    assert not answer.are_prices_given


def test_prices_by_pool_are_of_a_device(chips):
    prices = {"on_demand": {"price": {"chip": "2 USD/h"}, "source": "by hand"}}
    answer = size_over_time(Question(chips, DAY, Prices.model_validate(prices)))
    assert answer.usd == pytest.approx((24 + 10) * 4 * 2.0, rel=1e-12)


def test_an_hour_without_requests_needs_nothing(chips):
    profile = Profile(requests_per_s=(0.0,) * 23 + (5.0,))
    answer = size_over_time(Question(chips, profile, BOTH))
    assert answer.hours[0].replicas == answer.hours[0].units[0] == answer.hours[0].usd == 0
    assert answer.usd == pytest.approx(UNIT_USD, rel=1e-9)


def test_bursty_arrivals_need_more(chips):
    calm = size_over_time(Question(chips, DAY, BOTH))
    bursty = size_over_time(Question(chips, DAY.model_copy(update={"peakedness": 4.0}), BOTH))
    assert bursty.hours[-1].replicas > calm.hours[-1].replicas
    assert bursty.hours[-1].wait_p99_s is None


def test_the_units_of_the_plans_own_replicas_are_what_it_rents(chips, two_pools):
    # As many requests as just fill the plan's own replicas.
    for plan in (chips, two_pools):
        replicas, users = len(plan.placement.replicas), plan.metrics.users
        residence_s = plan.scenario.workload.output_tokens / plan.metrics.tokens_per_s_per_user
        rates = [mean / residence_s for mean in range(1, users) if stats.poisson.ppf(0.99, mean) <= users]
        answer = size_over_time(Question(plan, Profile(requests_per_s=(rates[-1],) * 24)))
        assert answer.hours[0].replicas == replicas
        units = {pool.pool: pool.peak_units * pool.devices_per_unit for pool in answer.pools}
        assert units == plan.devices
        assert answer.usd == pytest.approx(24 * plan.metrics.usd_per_hour, rel=1e-9)


def test_too_many_requests_are_refused_with_the_hour(chips):
    profile = Profile(requests_per_s=(5.0,) * 17 + (700.0,) + (5.0,) * 6)
    answer = size_over_time(Question(chips, profile, BOTH))
    assert answer.outcome is Outcome.INFEASIBLE
    assert answer.hours == ()
    refusal = answer.refusal
    assert refusal.hour == 17
    assert refusal.replicas == math.ceil(stats.poisson.ppf(0.99, 700) / 10)
    assert refusal.devices == {"chip": 80}
    assert "hour 17: 700 requests/s need 77 replica(s), 80 devices of chip, of which there are 64" in refusal.reason
    # The rate named is served, and hardly more is.
    rate = refusal.greatest_requests_per_s
    for factor, outcome in ((1.0, Outcome.SIZED), (1.001, Outcome.INFEASIBLE)):
        near = profile.model_copy(update={"requests_per_s": (rate * factor,) * 24})
        assert size_over_time(Question(chips, near, BOTH)).outcome is outcome


def test_a_cap_on_cost_holds_in_every_hour(capped_chips):
    profile = Profile(requests_per_s=(90.0,) * 24)
    answer = size_over_time(Question(capped_chips, profile, BOTH))
    # p99 of 90 is 113: 12 chips, 43.2 USD/h.
    assert "43.20 USD/h at the plan's prices, above its target.cost_cap of 40.00 USD/h" in answer.refusal.reason
    # 8 chips hold 80 at the percentile: 62 in the mean, but not 63.
    assert stats.poisson.ppf(0.99, [60, 63]).tolist() == [79, 82]
    assert 60 < answer.refusal.greatest_requests_per_s < 63


def test_a_cap_on_power_holds_in_every_hour(chips):
    target = chips.scenario.target.model_copy(update={"power_cap": 799.0})
    plan = chips.model_copy(update={"scenario": chips.scenario.model_copy(update={"target": target})})
    answer = size_over_time(Question(plan, DAY, BOTH))
    assert "800 W, above the plan's target.power_cap of 799 W" in answer.refusal.reason


def test_a_refusal_is_no_plan_to_size(refused):
    with pytest.raises(InputError, match="expected a plan with a placement, got one that is infeasible"):
        size_over_time(Question(refused, DAY))


@pytest.mark.parametrize("percentile", [0.0, 0.49, 1.0, 99.0, math.nan])
def test_the_percentile_is_a_share(chips, percentile):
    with pytest.raises(InputError, match=r"percentile: expected a share from 0\.5 to below 1"):
        size_over_time(Question(chips, DAY, BOTH, percentile))


@pytest.mark.parametrize(
    ("price", "message"),
    [
        ({"chips": "2 USD/h"}, r'prices\.on_demand\.price: unknown pool "chips"; did you mean "chip"'),
        ({}, r'prices\.on_demand\.price: lacks pool "chip"'),
    ],
)
def test_prices_by_pool_name_the_plans_pools(chips, price, message):
    prices = Prices.model_validate({"on_demand": {"price": price, "source": "by hand"}})
    with pytest.raises(InputError, match=message):
        size_over_time(Question(chips, DAY, prices))


def test_owned_devices_are_not_given_back_by_the_hour(chips):
    fleet = chips.scenario.fleet
    owned = {"capex": "10000 USD", "lifetime": "4 years", "opex": "1 USD/h"}
    raw = fleet.model_dump(mode="json") | {"energy": {"pue": 1.1, "electricity": "0.1 USD/kWh"}}
    raw["devices"]["chip"]["price"] = {fleet.price_basis: owned}
    scenario = chips.scenario.model_copy(update={"fleet": type(fleet).model_validate(raw)})
    plan = chips.model_copy(update={"scenario": scenario})
    with pytest.raises(InputError, match=r"prices\.on_demand\.price: devices of chip are owned"):
        size_over_time(Question(plan, DAY, BOTH))
    assert size_over_time(Question(plan, DAY)).usd > 0


def test_the_cheapest_of_several_plans_is_shown(chips, capped_chips):
    busy = Profile(requests_per_s=(90.0,) * 24)
    questions = (
        Question(capped_chips, busy, BOTH, where="capped.json"),
        Question(chips, busy, BOTH, where="chips.json"),
    )
    answer = cheapest_plan(questions)
    assert answer.plan == "chips.json"
    assert [(other.plan, other.outcome, other.usd) for other in answer.others] == [("capped.json", "infeasible", None)]


def test_plans_of_different_answers_are_not_compared(chips, two_pools):
    longer = chips.scenario.workload.model_copy(update={"output_tokens": 9})
    other = two_pools.scenario.model_copy(update={"workload": longer})
    with pytest.raises(InputError, match=r"b\.json: expected plans of one model and one length of answers"):
        cheapest_plan(
            (
                Question(chips, DAY, where="a.json"),
                Question(two_pools.model_copy(update={"scenario": other}), DAY, where="b.json"),
            )
        )


@settings(max_examples=50)
@given(
    rates=st.lists(st.sampled_from([0.0, 1.0, 7.5, 40.0, 300.0]), min_size=24, max_size=24).filter(any),
    reserved=st.floats(0.1, 2),
    percentile=st.sampled_from([0.5, 0.9, 0.99, 0.999]),
)
def test_every_hour_holds_and_nothing_is_lost(chips, rates, reserved, percentile):
    prices = Prices.model_validate(
        {"reserved": {"price": reserved, "source": "drawn"}, "on_demand": {"price": 1.0, "source": "drawn"}}
    )
    answer = size_over_time(Question(chips, Profile(requests_per_s=tuple(rates)), prices, percentile))
    for hour in answer.hours:
        held = stats.poisson.cdf(hour.slots, hour.mean_users)
        assert held >= percentile
        assert hour.slots > hour.mean_users or hour.slots == hour.mean_users == 0
        # One replica less would not do.
        fewer = hour.slots - answer.slots_per_replica
        assert fewer <= hour.mean_users or stats.poisson.cdf(fewer, hour.mean_users) < percentile
        # 10 users a chip, 4 chips a unit.
        assert hour.units == (-(-hour.replicas // 4),)
    assert sum(hour.usd for hour in answer.hours) == pytest.approx(answer.usd, rel=1e-9)
    assert answer.usd <= answer.constant_usd * (1 + 1e-9)
    assert answer.utilisation <= 1
