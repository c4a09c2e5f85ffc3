"""Plans that may draft tokens, against the enumeration of every plan with every number of tokens drafted."""

import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, seed, settings

from placer import verify
from placer.plan.plan import Status
from placer.planner.depths import search_depths, together
from placer.planner.speculate import plan_speculative
from placer.progress import ignore
from placer.search.params import SolveParams
from placer.search.solve import Stop
from tests.oracle.enumerate_plans import optimum
from tests.oracle.instances import speculative, speculative_beside

PROOF = SolveParams(relative_gap=0.0, budget_s=120.0)
TOLERANCE = 1e-6


def drawn(scenarios, number, examples, check):
    seed(number)(
        settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))(
            given(scenarios)(check)
        )
    )()


#: Instances with a pool for drafters take tens of seconds each: some are looked at, whatever kinds they are of.
POOL_INSTANCES = 4


@pytest.mark.parametrize("is_pool", [False, True], ids=["head", "pool"])
def test_price_and_bound_are_those_of_the_cheapest_plan_over_all_ways_to_draft(is_pool):
    kinds = Counter()

    def check(scenario):
        expected = optimum(scenario)
        solved = together(search_depths(scenario, PROOF, time.monotonic(), ignore))
        assert solved.stop is not Stop.BUDGET
        kinds["none" if expected is None else "drafts" if expected.drafted else "plain"] += 1
        if expected is None:
            assert solved.found is None
            assert solved.bound == float("inf")
            return
        assert solved.found.value == pytest.approx(expected.usd_per_million, rel=TOLERANCE)
        assert solved.bound <= expected.usd_per_million * (1 + 1e-9)
        assert solved.bound == pytest.approx(expected.usd_per_million, rel=TOLERANCE)

    if is_pool:
        drawn(speculative_beside(), 0, POOL_INSTANCES, check)
        return
    # What hypothesis draws changes with the modules it has seen: until every kind was met, not a fixed number.
    for number in range(24):
        drawn(speculative(), number, 10, check)
        if number >= 1 and kinds["plain"] >= 3 and kinds["drafts"]:
            return
    pytest.fail(f"240 instances, and not every kind was among them: {kinds}")


@pytest.mark.parametrize("is_pool", [False, True], ids=["head", "pool"])
def test_whole_plans_verify(is_pool):
    kinds = Counter()

    def check(scenario):
        expected = optimum(scenario)
        plan = plan_speculative(scenario, PROOF)
        kinds[plan.status] += 1
        if expected is None:
            assert plan.status is Status.INFEASIBLE
            return
        assert plan.bound.usd_per_million_output_tokens == pytest.approx(expected.usd_per_million, rel=TOLERANCE)
        if plan.status is Status.PLANNED:
            assert plan.metrics.usd_per_million_output_tokens >= expected.usd_per_million * (1 - TOLERANCE)
        report = verify(plan)
        assert report.status == "verified", report.findings
        kinds["drafting"] += plan.batch is not None and plan.batch.draft_tokens > 0

    if is_pool:
        drawn(speculative_beside(), 20, POOL_INSTANCES // 2, check)
        return
    for number in range(20, 30):
        drawn(speculative(), number, 5, check)
        if kinds[Status.PLANNED] >= 3 and kinds["drafting"]:
            return
    pytest.fail(f"50 instances, and not every kind was among them: {kinds}")
