"""A question that is said to allow more never has a dearer optimum: told by optima proven to the last digit."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placer.compare.question import compare_questions
from placer.plan.comparison import Relation
from placer.scenario.routing import UNIFORM
from tests.laws.hold import TOLERANCE, price
from tests.laws.variants import with_space, with_target, with_workload
from tests.oracle.instances import scenarios

EXAMPLES = 20


@st.composite
def variants(draw):
    """Draw a small scenario, and the same with one or two limits moved; routing is even, so that optima are exact."""
    drawn = draw(scenarios())
    speed = draw(st.sampled_from([0.5, 200.0]))
    scenario = changed = with_target(
        with_workload(drawn, routing=UNIFORM), tokens_per_s=None, tokens_per_s_per_user=speed
    )
    for step in draw(st.lists(st.sampled_from(["speed", "stages", "batch", "batch", "cost"]), min_size=1, max_size=2)):
        match step:
            case "speed":
                changed = with_target(changed, tokens_per_s_per_user=draw(st.sampled_from([0.1, 100.0, 2_000.0])))
            case "stages":
                changed = with_space(changed, max_stages=1)
            case "batch":
                changed = with_space(changed, max_rank_batch=draw(st.sampled_from([1, 2, 4])))
            case "cost":
                changed = with_target(changed, cost_cap=draw(st.sampled_from([None, 1.0, 3.0])))
    return scenario, changed


def test_wider_questions_have_no_dearer_answers():
    seen = Counter()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(variants())
    def run(pair):
        relation = compare_questions(*pair).relation
        narrow, wide = pair if relation is not Relation.A_WIDER else pair[::-1]
        if relation is Relation.OTHER:
            return
        least = [price(each) for each in (narrow, wide)]
        assert least[1] <= least[0] * (1 + TOLERANCE)
        if relation is Relation.SAME:
            assert least[0] == pytest.approx(least[1])
        seen[relation, least[1] < least[0]] += 1

    run()
    # Some really were cheaper, or the test would say nothing.
    assert sum(count for (_, is_cheaper), count in seen.items() if is_cheaper) >= 2
