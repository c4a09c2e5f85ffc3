import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.cost.money import rented_devices
from placer.cost.shape import GroupShape
from placer.search.value import NUM_CAPS, Footprint, Valuation

SHAPES = st.sampled_from(
    [("big", 1, 1), ("big", 1, 2), ("big", 2, 1), ("big", 3, 2), ("big", 1, 8), ("fast", 1, 1), ("fast", 2, 4)]
)


def shape_of(pool, stages, width):
    return GroupShape(pool, stages, width, 1, 1)


@st.composite
def questions(draw):
    shapes = [draw(SHAPES)]
    if draw(st.booleans()):
        shapes = [("big", *draw(SHAPES)[1:]), ("fast", *draw(SHAPES)[1:])]
    target = {
        "tokens_per_s": draw(st.sampled_from([None, 10.0, 1e3, 1e5])),
        "cost_cap": draw(st.sampled_from([None, "0.9 USD/h", "4 USD/h", "9 USD/h"])),
        "power_cap": draw(st.sampled_from([None, "350 W", "800 W"])),
    }
    return target, tuple(shape_of(*entry) for entry in shapes), draw(st.floats(1, 1e3)), draw(st.floats(1e-4, 1))


def offers(scenario, shapes):
    """Plain loop: replicas, rent per hour of every number of replicas that inventory and caps allow."""
    fleet, target = scenario.fleet, scenario.target
    for replicas in range(1, 100):
        usd = power = 0.0
        for shape in shapes:
            pool, device = fleet.pool(shape.pool), fleet.device_of(shape.pool)
            rented = int(rented_devices(pool, shape, np.array([replicas]))[0])
            if rented > pool.count or not fits(pool, shape, replicas):
                usd = math.inf
            usd += rented * device.price["tco"]
            power += rented * device.power
        if usd <= (target.cost_cap or math.inf) and power <= (target.power_cap or math.inf) and usd < math.inf:
            yield replicas, usd


def fits(pool, shape, replicas):
    """Domains hold whole groups, or whole stages."""
    domains = pool.count // pool.domain
    if shape.num_devices <= pool.domain:
        return replicas <= domains * (pool.domain // shape.num_devices)
    if shape.width <= pool.domain:
        return replicas * shape.stages <= domains * (pool.domain // shape.width)
    return replicas * shape.num_devices <= pool.count


def prices(scenario, shapes, tokens, step_s):
    """Plain loop: price and replicas of every offer that serves the fleet target."""
    rate = scenario.target.tokens_per_s
    for replicas, usd in offers(scenario, shapes):
        made = replicas * tokens / step_s
        if rate is None or made >= rate:
            yield 1e6 * usd / (3600 * (rate or made) * scenario.workload.utilisation), replicas


@given(questions())
def test_the_best_price_is_that_of_a_plain_loop(toys, question):
    target, shapes, tokens, step_s = question
    scenario = toys.scenario(target=target)
    best = Valuation(scenario).best(shapes, tokens, step_s)
    expected = min(prices(scenario, shapes, tokens, step_s), default=None)
    if expected is None:
        assert best is None
        return
    assert best[0] == pytest.approx(expected[0], rel=1e-9)
    same = [
        replicas for price, replicas in prices(scenario, shapes, tokens, step_s) if price <= expected[0] * (1 + 1e-9)
    ]
    assert best[1].replicas == min(same)


@given(questions(), st.floats(1e-6, 1e3))
def test_the_longest_step_is_where_the_price_is_just_met(toys, question, price):
    target, shapes, tokens, _ = question
    valuation = Valuation(toys.scenario(target=target))
    longest = valuation.longest_step_s(shapes, tokens, price)
    later = valuation.best(shapes, tokens, max(longest, 1e-12) * (1 + 1e-6))
    assert later is None or later[0] > price * (1 - 1e-6)
    if longest > 0:
        best = valuation.best(shapes, tokens, longest * (1 - 1e-9))
        assert best is not None
        assert best[0] <= price * (1 + 1e-6)


@given(questions())
def test_rents_are_those_of_a_plain_loop(toys, question):
    target, shapes, _, _ = question
    scenario = toys.scenario(target=target)
    valuation, table = Valuation(scenario), list(offers(scenario, shapes))
    assert valuation.most_replicas(shapes) == max((replicas for replicas, _ in table), default=0)
    each = [(replicas, usd / replicas) for replicas, usd in table]
    assert valuation.lowest_usd_per_hour(shapes) == pytest.approx(min((usd for _, usd in each), default=math.inf))
    by_cap = valuation.least_usd_per_hour_by_cap(shapes)
    for power in range(NUM_CAPS):
        within = [usd for replicas, usd in each if replicas <= 2**power]
        assert by_cap[power] == pytest.approx(min(within, default=math.inf))


@settings(max_examples=100)
@given(questions())
def test_the_floor_never_exceeds_the_price(toys, question):
    target, shapes, tokens, step_s = question
    valuation = Valuation(toys.scenario(target=target))
    best = valuation.best(shapes, tokens, step_s)
    if best is None:
        return
    rent, token_time = valuation.lowest_usd_per_hour(shapes), step_s / tokens
    most = valuation.most_replicas(shapes)
    footprint = Footprint(tuple(shape.pool for shape in shapes), (np.array([rent]),))
    floor = valuation.floor(footprint, *(np.array([value]) for value in (token_time, step_s, float(most))))
    assert floor[0] <= best[0] * (1 + 1e-9)
    # no price lies beyond the step it allows
    longest = valuation.longest_step_at(footprint, np.array([tokens]), best[0])
    assert longest[0] >= step_s * (1 - 1e-9)


def test_utilisation_divides_what_is_sold(toys):
    scenario = toys.scenario()
    half = scenario.model_copy(update={"workload": scenario.workload.model_copy(update={"utilisation": 0.5})})
    shapes = (shape_of("big", 1, 2),)
    price, rental = Valuation(scenario).best(shapes, 10.0, 0.1)
    # a unit of two at 0.5 USD/h: 1 USD/h for 100 tokens/s
    assert price == pytest.approx(1e6 / (3600 * 100))
    assert rental.devices == {"big": 2}
    assert Valuation(half).best(shapes, 10.0, 0.1)[0] == pytest.approx(2 * price)
