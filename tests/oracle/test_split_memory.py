"""Devices with weights in one memory tier and KV cache in another, against the enumeration of every plan."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, seed, settings

from placer import verify
from placer.plan.plan import Status
from placer.planner.planner import make_plan
from tests.oracle.enumerate_plans import optimum
from tests.oracle.instances import split_scenarios
from tests.oracle.test_agreement import PROOF, TOLERANCE, held_to_the_oracle


def has_split_group(scenario, expected):
    return any(scenario.fleet.device_of(shape.pool).is_split for shape in expected.shapes)


@pytest.mark.slow
def test_every_plan_with_split_memory():
    assert held_to_the_oracle(split_scenarios(), 0, 10)["feasible"] >= 2


@pytest.mark.slow
def test_whole_plans_fit_both_tiers_and_verify():
    kinds = Counter()

    @seed(0)
    @settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(split_scenarios())
    def check(scenario):
        expected = optimum(scenario)
        plan = make_plan(scenario, PROOF)
        if expected is None:
            assert plan.status is Status.INFEASIBLE
            return
        if plan.status is not Status.PLANNED:
            return
        assert plan.bound.usd_per_million_output_tokens == pytest.approx(expected.usd_per_million, rel=TOLERANCE)
        kinds["split"] += has_split_group(scenario, expected)
        for row in plan.memory:
            device = scenario.fleet.device_of(row.pool)
            assert (row.cache is not None) is device.is_split
            if row.cache is not None:
                assert row.weights_bytes + row.hot_experts_bytes + row.free_bytes == device.usable_bytes
                cached = row.kv_bytes + row.activations_bytes
                assert cached + row.cache.free_bytes == device.usable_cache_bytes
        report = verify(plan)
        assert report.status == "verified", report.findings

    check()
    assert kinds["split"] >= 1
