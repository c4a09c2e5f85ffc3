"""Plans whose law no schedule meets: sized again, priced by their simulation, and open about it."""

import json

import pytest

import placer
from placer.plan.files import plan_json
from placer.plan.plan import Status
from placer.plan.schedule import Order, Schedule
from placer.planner.rescore import Achieved, Rescorer, Worse
from placer.planner.solve import build_searcher, solve
from placer.planner.verdict import simulation_note
from placer.progress import ignore
from placer.search.params import SolveParams

PARAMS = SolveParams(relative_gap=0.009, budget_s=60.0)


def question(**changes):
    given = {"model": "deepseek-v3", "fleet": "h200-8x", "tps_user": 20, "isl": 8192, "osl": 1024, **changes}
    return placer.plan(given.pop("model"), given.pop("fleet"), **given, decode_only=True)


@pytest.fixture(scope="module")
def plan():
    return question()


def test_the_achieved_step_is_simulated_and_meets_the_target(plan):
    assert plan.status is Status.PLANNED
    step, law = plan.metrics.step_time_s, plan.metrics.law_step_time_s
    assert law <= step <= plan.scenario.target.step_time_s
    assert placer.simulate(plan, deterministic=True).step_time.simulated == pytest.approx(step, rel=1e-6)
    assert placer.verify(plan).status == "verified"


def test_price_and_gap_are_those_of_the_achieved_step(plan):
    metrics, bound = plan.metrics, plan.bound
    tokens = metrics.users / metrics.step_time_s
    assert metrics.capacity_tokens_per_s == pytest.approx(tokens)
    assert metrics.usd_per_million_output_tokens == pytest.approx(1e6 * metrics.usd_per_hour / (3600 * tokens))
    assert bound.relative_gap == pytest.approx(
        1 - bound.usd_per_million_output_tokens / metrics.usd_per_million_output_tokens
    )
    assert bound.relative_gap > bound.law_relative_gap
    assert bound.law_relative_gap <= 0.009 + 1e-9
    assert plan.search.simulated > 1


def test_the_search_alone_had_a_plan_that_does_not_hold(plan):
    searcher = build_searcher(plan.scenario, PARAMS)
    found = solve(searcher, PARAMS, 1e12, ignore).found
    score = Rescorer(searcher).score(found, float("inf"))
    assert found.value < plan.metrics.usd_per_million_output_tokens
    assert isinstance(score, Worse) or score.found.value >= plan.metrics.usd_per_million_output_tokens


def test_another_schedule_is_another_step(plan):
    # one microbatch at a time, the fabric idles while devices work
    assert plan.schedule.window is None
    report = placer.verify(plan.model_copy(update={"schedule": Schedule(order=Order.OLDEST, window=1)}))
    assert report.failed == ("simulation",)


@pytest.mark.parametrize(("excess", "said"), [(0.0, ""), (0.015, ""), (0.035, "the simulated step is 3.5% longer")])
def test_what_is_far_from_the_law_says_so(plan, excess, said):
    metrics = plan.metrics.model_copy(update={"step_time_s": (1 + excess) * plan.metrics.law_step_time_s})
    assert said in simulation_note(metrics)
    assert bool(said) == bool(simulation_note(metrics))


def test_plans_repeat(plan):
    def text(one):
        raw = json.loads(plan_json(one))
        raw["search"].pop("wall_s")
        raw.pop("verdict")
        return raw

    assert text(question()) == text(plan)


def test_where_the_law_holds_nothing_changes():
    plan = question(model="llama-3.1-8b", fleet="h100-8x", tps_user=30, isl=1000, osl=500)
    assert plan.metrics.step_time_s == plan.metrics.law_step_time_s
    assert plan.bound.relative_gap == plan.bound.law_relative_gap
    assert "simulated step" not in plan.verdict
    searcher = build_searcher(plan.scenario, PARAMS)
    found = solve(searcher, PARAMS, 1e12, ignore).found
    score = Rescorer(searcher).score(found, float("inf"))
    assert isinstance(score, Achieved)
    assert score.found.value == plan.metrics.usd_per_million_output_tokens
