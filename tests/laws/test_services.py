"""What must hold of whole services, whatever the numbers: more of a good thing never costs more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.api import build_scenario, plan_scenario
from placer.catalog.loader import load_fleet
from placer.plan.plan import Status

MODEL, GAP = "llama-3.1-8b", 0.01


def sized(count):
    fleet = load_fleet("h100-8x")
    pools = tuple(pool.model_copy(update={"count": count, "unit": 1}) for pool in fleet.pools)
    return fleet.model_copy(update={"pools": pools})


def plan(count=16, *, isl=4000, osl=500, speed=40.0, **service):
    scenario = build_scenario(
        MODEL,
        sized(count),
        workload={"input_tokens": isl, "output_tokens": osl},
        target={"tokens_per_s_per_user": speed},
        service=service,
    )
    return plan_scenario(scenario, gap=GAP, budget_s=30.0)


def assert_no_dearer(better, worse):
    """The better question has a plan wherever the other has, and no bound above the other's price."""
    if worse.status is Status.PLANNED:
        assert better.status is Status.PLANNED
        assert better.bound.usd_per_request <= worse.metrics.usd_per_request * (1 + 1e-9)


@settings(max_examples=6, deadline=None)
@given(st.sampled_from([8, 16, 32]), st.floats(10.0, 120.0))
def test_more_devices_never_cost_more(count, speed):
    assert_no_dearer(plan(2 * count, speed=speed), plan(count, speed=speed))


@settings(max_examples=6, deadline=None)
@given(st.integers(100, 4000), st.integers(10, 4000))
def test_more_time_for_the_first_token_never_costs_more(milliseconds, more):
    assert_no_dearer(plan(ttft=f"{milliseconds + more} ms"), plan(ttft=f"{milliseconds} ms"))


@settings(max_examples=6, deadline=None)
@given(st.floats(0.0, 0.9), st.floats(0.0, 0.9))
def test_more_hits_never_cost_more(one, other):
    less, more = sorted((one, other))
    assert_no_dearer(plan(prefix_hit_rate=more), plan(prefix_hit_rate=less))


@settings(max_examples=6, deadline=None)
@given(st.integers(500, 8000), st.integers(50, 1000), st.floats(10.0, 100.0))
def test_tokens_and_requests_have_one_price(isl, osl, speed):
    answer = plan(isl=isl, osl=osl, speed=speed)
    metrics = answer.metrics
    tokens = isl * metrics.usd_per_million_input_tokens + osl * metrics.usd_per_million_output_tokens
    assert tokens / 1e6 == pytest.approx(metrics.usd_per_request, rel=1e-9)
    assert metrics.usd_per_hour / 3600 == pytest.approx(metrics.usd_per_request * metrics.requests_per_s, rel=1e-9)
    assert metrics.tokens_per_s == pytest.approx(metrics.requests_per_s * osl, rel=1e-9)


def test_a_service_never_costs_less_than_its_decode():
    whole = plan()
    scenario = whole.scenario.model_copy(update={"service": None})
    alone = plan_scenario(scenario, gap=GAP, budget_s=30.0)
    per_request = alone.bound.usd_per_million_output_tokens * 500 / 1e6
    assert whole.metrics.usd_per_request >= per_request
