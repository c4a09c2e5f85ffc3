import time

import pytest

from placer.planner.limits import LIMITS
from placer.planner.refusal import _rounded_down, refuse
from placer.search.params import SolveParams

PARAMS = SolveParams(budget_s=20.0)
BY_NAME = {limit.name: limit for limit in LIMITS}

# One pool of chips, rented by the two for 1 USD/h and 200 W, so that every question is answered at once.
SMALL = {"big": {"count": 4, "unit": 2, "domain": 2}, "max_groups": 1, "max_microbatches": 2, "max_stages": 1}

REFUSED = {
    "power_cap": {"target": {"power_cap": "199 W"}, "alone": True},
    "cost_cap": {"target": {"cost_cap": "0.9 USD/h"}, "alone": True},
    "rate": {"target": {"tokens_per_s": 1e9}},
    "speed": {"target": {"tokens_per_s_per_user": 1e6}, "alone": True},
}


def small(toys, **changes):
    """The toy scenario on the pool `big` alone."""
    made = toys.scenario(**(SMALL | changes))
    return made.model_copy(update={"fleet": made.fleet.without_pool("fast")})


def ask(scenario):
    return refuse(scenario, PARAMS, time.monotonic() + 60.0)


def has_plan(toys, scenario):
    search = toys.Searched(scenario)
    result = search.searcher.search(search.searcher.families(), float("inf"), time.monotonic() + 20.0, lambda _: None)
    return result.found is not None


@pytest.mark.parametrize("name", REFUSED)
def test_each_limit_is_named_and_its_relief_works(toys, name):
    scenario = small(toys, target=REFUSED[name]["target"])
    assert not has_plan(toys, scenario)
    refusal = ask(scenario)
    limit = BY_NAME[name]
    assert limit.describe(scenario) in refusal.conflict
    if REFUSED[name].get("alone"):
        assert refusal.conflict == (limit.describe(scenario),)
    assert refusal.nearest
    for relief in refusal.nearest:
        moved = next(limit for limit in LIMITS if limit.relief(1.0, scenario).change == relief.change)
        assert has_plan(toys, moved.set_to(scenario, relief.value)), relief.text


@pytest.mark.parametrize(
    ("name", "value"),
    # the cheapest unit: two chips of 100 W and 0.5 USD/h
    [("power_cap", 200.0), ("cost_cap", 1.0)],
)
def test_the_relief_of_a_cap_is_the_nearest(toys, name, value):
    refusal = ask(small(toys, target=REFUSED[name]["target"]))
    [relief] = refusal.nearest
    assert value <= relief.value <= value * 1.011


def test_the_relief_of_speed_is_a_speed_just_out_of_reach(toys):
    scenario = small(toys, target={"tokens_per_s_per_user": 1e6})
    [relief] = ask(scenario).nearest
    speed = BY_NAME["speed"]
    assert has_plan(toys, speed.set_to(scenario, relief.value))
    assert not has_plan(toys, speed.set_to(scenario, relief.value * 1.02))


def test_a_long_context_is_named(toys):
    # 24 kB chips, one sequence of 5 layers * 32 B a token and rank
    scenario = small(toys)
    workload = scenario.workload.model_copy(update={"input_tokens": 10_000})
    scenario = scenario.model_copy(update={"workload": workload})
    refusal = ask(scenario)
    assert refusal.conflict == ("context of 10004 tokens",)
    [relief] = refusal.nearest
    context = BY_NAME["context"]
    assert relief.value == int(relief.value)
    assert has_plan(toys, context.set_to(scenario, relief.value))
    assert not has_plan(toys, context.set_to(scenario, float(int(relief.value * 1.02) + 1)))


def test_required_pools_are_named(toys):
    # the weights fit neither pool's group of one device; `fast` alone is too expensive
    scenario = toys.scenario(
        target={"required_pools": ["fast"], "cost_cap": "1.5 USD/h"}, **{k: v for k, v in SMALL.items() if k != "big"}
    )
    assert not has_plan(toys, scenario)
    refusal = ask(scenario)
    assert refusal.conflict == (
        BY_NAME["required_pools"].describe(scenario),
        BY_NAME["cost_cap"].describe(scenario),
    )
    # without either there is a plan
    for name in ("required_pools", "cost_cap"):
        assert has_plan(toys, BY_NAME[name].relaxed(scenario))


def test_a_model_too_large_for_the_fleet_names_its_weights(toys):
    scenario = small(toys)
    chips = {
        name: device.model_copy(update={"memory": (device.memory[0].model_copy(update={"capacity": 2_000.0}),)})
        for name, device in scenario.fleet.devices.items()
    }
    scenario = scenario.model_copy(update={"fleet": scenario.fleet.model_copy(update={"devices": chips})})
    refusal = ask(scenario)
    assert refusal.conflict == ("weights", "inventory")
    assert "do not fit" in refusal.reason
    assert refusal.nearest == ()


@pytest.mark.parametrize(
    ("value", "expected"), [(123.4567, 123.4), (0.00123456, 0.001234), (9999.9, 9999.0), (1e6, 1e6)]
)
def test_speeds_are_rounded_down_to_four_digits(value, expected):
    assert _rounded_down(value) == expected
