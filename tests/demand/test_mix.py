"""The cheapest mix: hand-derived optima, brute force, laws, and DeepSeek's published day."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from placer.demand.mix import SpotUnit, UnitRates, cheapest_mix

OPTIMA = yaml.safe_load((Path(__file__).parent / "known_optima.yaml").read_text())

# [DS] deepseek-ai/open-infra-index@56d8685, day 6: peak and mean nodes of a day, 8 GPUs each at $2, $87,072 a day.
PEAK_NODES, MEAN_NODES, USD_PER_NODE_HOUR, USD_PER_DAY = 278, 226.75, 16.0, 87_072


def rates_of(raw):
    spot = SpotUnit(**raw["spot"]) if "spot" in raw else None
    return UnitRates(raw.get("reserved"), raw.get("on_demand"), spot)


def test_there_are_optima_and_each_says_why():
    assert len(OPTIMA) >= 10
    assert all(len(case["why"]) > 40 for case in OPTIMA)


@pytest.mark.parametrize("case", OPTIMA, ids=lambda case: case["name"])
def test_a_known_optimum_is_found(case):
    needed = np.array([units for hours, units in case["needed"] for _ in range(hours)])
    assert len(needed) == 24
    mix, optimum = cheapest_mix(needed, rates_of(case["rates"])), case["optimum"]
    assert mix.usd.sum() == pytest.approx(optimum["usd"], rel=1e-12)
    assert mix.reserved == optimum["reserved"]
    assert mix.on_demand.sum() == optimum["on_demand_hours"]
    assert mix.spot.sum() == optimum["spot_hours"]


def deepseek_day():
    """Return 24 hours of nodes with the published peak and mean; the curve between is not published."""
    rest = 24 * MEAN_NODES - 8 * PEAK_NODES
    low = int(rest // 16)
    return np.array([low] * 15 + [int(rest) - 15 * low] + [PEAK_NODES] * 8)


def test_deepseeks_day_pays_for_its_mean_nodes():
    needed = deepseek_day()
    assert needed.max() == PEAK_NODES
    assert needed.mean() == MEAN_NODES
    by_the_hour = cheapest_mix(needed, UnitRates(None, USD_PER_NODE_HOUR))
    constant = cheapest_mix(needed, UnitRates(USD_PER_NODE_HOUR, None))
    assert by_the_hour.usd.sum() == pytest.approx(USD_PER_DAY, rel=1e-12)
    assert constant.usd.sum() == pytest.approx(PEAK_NODES * USD_PER_NODE_HOUR * 24, rel=1e-12)
    # physics G1: u = 226.75 / 278 = 0.816 of a fleet of peak size.
    assert by_the_hour.usd.sum() / constant.usd.sum() == pytest.approx(0.816, abs=5e-4)


prices = st.floats(0.01, 5)
spots = st.one_of(
    st.none(),
    st.builds(SpotUnit, prices, st.floats(0.05, 1), st.floats(0, 1), st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 1.0])),
)
all_rates = st.one_of(
    st.builds(UnitRates, prices, prices, spots),
    st.builds(UnitRates, st.none(), prices, spots),
    st.builds(UnitRates, prices, st.none()),
)
hours = st.lists(st.integers(0, 6), min_size=1, max_size=4).map(np.array)


def brute_force(needed, rates):
    """Try every number of reserved units and every split of the rest, hour by hour, straight from the definitions."""
    best = np.inf
    for reserved in range(max(needed) + 1 if rates.reserved is not None else 1):
        total = 0.0
        for units in needed:
            rest = max(0, units - reserved)
            most_spot = min(rest, int(units * rates.spot.most_share + 1e-9)) if rates.spot else 0
            if rest and rates.on_demand is None:
                total = np.inf
                break
            splits = [
                (rest - spot) * (rates.on_demand or 0)
                + (spot and spot * spot_hour_usd(rates))
                + reserved * (rates.reserved or 0)
                for spot in range(most_spot + 1)
            ]
            total += min(splits)
        best = min(best, total)
    return best


def spot_hour_usd(rates):
    spot = rates.spot
    serving, paid_beside = spot.availability, spot.availability * spot.overhead
    return (serving + paid_beside) * spot.usd_per_hour + (1 - serving) * rates.on_demand


@given(needed=hours, rates=all_rates)
def test_no_mix_is_cheaper(needed, rates):
    mix = cheapest_mix(needed, rates)
    assert mix.usd.sum() == pytest.approx(brute_force(needed.tolist(), rates), rel=1e-9, abs=1e-9)


@given(needed=hours, rates=all_rates)
def test_every_hour_is_covered_and_spot_stays_in_its_share(needed, rates):
    mix = cheapest_mix(needed, rates)
    covered = mix.reserved + mix.on_demand + mix.spot
    assert (covered >= needed).all()
    assert (covered == np.maximum(needed, mix.reserved)).all()
    share = rates.spot.most_share if rates.spot else 0.0
    assert (mix.spot <= needed * share + 1e-9).all()


@given(needed=hours, reserved=prices, on_demand=prices, spot=spots)
def test_one_more_way_to_pay_never_costs_more(needed, reserved, on_demand, spot):
    ways = [UnitRates(reserved, None), UnitRates(None, on_demand), UnitRates(reserved, on_demand)]
    costs = [cheapest_mix(needed, each).usd.sum() for each in [*ways, UnitRates(reserved, on_demand, spot)]]
    assert costs[2] <= min(costs[:2]) * (1 + 1e-9)
    assert costs[3] <= costs[2] * (1 + 1e-9)


@given(pools=st.lists(st.tuples(st.integers(1, 3), prices, prices), min_size=2, max_size=2), replicas=hours)
def test_pools_that_are_paid_for_apart_have_the_least_cost_together(pools, replicas):
    # Brute force over both numbers of reserved units at once.
    needs = [replicas * units for units, _, _ in pools]
    apart = sum(
        cheapest_mix(need, UnitRates(reserved, hourly)).usd.sum()
        for need, (_, reserved, hourly) in zip(needs, pools, strict=True)
    )
    together = min(
        sum(
            len(need) * kept * reserved + hourly * np.maximum(need - kept, 0).sum()
            for need, (_, reserved, hourly), kept in zip(needs, pools, both, strict=True)
        )
        for both in product(*(range(need.max() + 1) for need in needs))
    )
    assert apart == pytest.approx(together, rel=1e-9)
