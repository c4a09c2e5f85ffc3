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
from tests.oracle.instances import speculative

PROOF = SolveParams(relative_gap=0.0, budget_s=120.0)
TOLERANCE = 1e-6


def drawn(number, examples, check):
    seed(number)(
        settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))(
            given(speculative())(check)
        )
    )()


def test_price_and_bound_are_those_of_the_cheapest_plan_over_all_depths():
    kinds = Counter()

    def check(scenario):
        expected = optimum(scenario)
        solved = together(search_depths(scenario, PROOF, time.monotonic(), ignore))
        assert solved.stop is not Stop.BUDGET
        kinds["infeasible" if expected is None else f"{min(1, expected.drafted)} drafted"] += 1
        kinds["beside"] += expected is not None and expected.drafted > 0 and scenario.speculation.pool is not None
        if expected is None:
            assert solved.found is None
            assert solved.bound == float("inf")
            return
        assert solved.found.value == pytest.approx(expected.usd_per_million, rel=TOLERANCE)
        assert solved.bound <= expected.usd_per_million * (1 + 1e-9)
        assert solved.bound == pytest.approx(expected.usd_per_million, rel=TOLERANCE)

    # What hypothesis draws changes with the modules it has seen: until every kind was met, not a fixed number.
    for number in range(12):
        drawn(number, 25, check)
        if (
            number >= 2
            and kinds["0 drafted"] >= 5
            and kinds["1 drafted"] >= 5
            and kinds["beside"]
            and kinds["infeasible"]
        ):
            return
    pytest.fail(f"300 instances, and not every kind was among them: {kinds}")


def test_whole_plans_verify():
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

    for number in range(20, 30):
        drawn(number, 15, check)
        if kinds[Status.PLANNED] >= 8 and kinds["drafting"] >= 3:
            return
    pytest.fail(f"150 instances, and not every kind was among them: {kinds}")
