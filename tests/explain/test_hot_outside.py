"""Hot experts under routing they were not chosen on, by hand."""

import pytest

from placer.errors import ScenarioError
from placer.explain.hot_outside import DRAWS, score_outside
from placer.scenario.routing import RoutingKind, RoutingProfile

HBM, REST = 1880, 336.0


def counts(*values):
    return RoutingProfile(kind=RoutingKind.COUNTS, counts=values)


def test_the_wrong_expert_is_hot(paying):
    # Everything but experts reads 336 B; expert 0 is on the sidecar, and now expert 1 gets 99 %.
    context = paying()
    (own, other) = score_outside(context, [("own", counts(99, 1)), ("other", counts(1, 99))])
    hot_s, cold_s, near_s = ((REST + read) / HBM for read in (0.99 * 192 / 10, 0.99 * 192, 192.0))
    assert own.planned.step_time_s == pytest.approx(hot_s)
    assert own.overlap == 1.0
    assert own.loss == 0.0
    assert own.planned == own.balanced == own.hindsight
    assert other.planned.step_time_s == pytest.approx(cold_s)
    assert other.balanced == other.planned
    assert other.hindsight.step_time_s == pytest.approx(hot_s)
    assert other.overlap == 0.0
    assert other.loss == pytest.approx(cold_s / hot_s - 1.0)
    for score in (own, other):
        assert score.none.step_time_s == pytest.approx(near_s)
        assert hot_s < score.random.step_time_s < cold_s
        # The rent is the plan's, so prices are as steps are.
        ratio = score.random.usd_per_million_output_tokens / score.none.usd_per_million_output_tokens
        assert ratio == pytest.approx(score.random.step_time_s / score.none.step_time_s)
    # One of two experts is drawn DRAWS times, so the mean is that of some of each.
    right = (cold_s - own.random.step_time_s) / (cold_s - hot_s) * DRAWS
    assert right == pytest.approx(round(right))


def test_the_score_of_the_own_routing_is_the_plan(paying):
    context = paying()
    (own,) = score_outside(context, [("own", context.scenario.workload.routing)])
    assert own.planned.step_time_s == pytest.approx(context.metrics.law_step_time_s)
    assert own.planned.usd_per_million_output_tokens == pytest.approx(context.metrics.usd_per_million_output_tokens)
    assert own.meets_target


def test_draws_repeat(paying):
    context = paying((5, 4, 3, 1), parts=4)
    first, second = (score_outside(context, [("x", counts(1, 2, 3, 4))]) for _ in range(2))
    assert first == second


def test_routing_of_another_number_of_experts_is_refused(paying):
    with pytest.raises(ScenarioError, match="3 counts for 2 experts"):
        score_outside(paying(), [("x", counts(1, 2, 3))])
