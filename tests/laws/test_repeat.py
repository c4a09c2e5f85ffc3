"""A question has one answer: the same plan in every run and process, the same optimum for every seed.

A plan holds the time its search took in two places, ``search.wall_s`` and the end of the verdict; all else must be the
same to the byte.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import placer
from placer.plan.files import plan_json
from placer.plan.plan import Plan, Status
from placer.planner.planner import make_plan
from tests.laws.hold import PROOF, Rung, equal, hold
from tests.laws.variants import with_target
from tests.oracle.instances import scenarios

#: Plans every scenario that it reads, and writes one plan a line.
CHILD = """
import sys
from placer.planner.planner import make_plan
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams
for line in sys.stdin:
    plan = make_plan(Scenario.model_validate_json(line), SolveParams(relative_gap=0.0, budget_s=120.0))
    print(plan.model_dump_json())
"""


def untimed(plan):
    """Return the JSON of a plan without the seconds its search took."""
    search = plan.search.model_copy(update={"wall_s": 0.0})
    verdict = plan.verdict.removesuffix(f", {plan.search.wall_s:.1f} s")
    return plan_json(plan.model_copy(update={"search": search, "verdict": verdict}))


def some_scenarios():
    """Return a few drawn scenarios, and one that no plan is fast enough for."""
    drawn = []

    @settings(max_examples=8, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
    @given(scenarios())
    def draw(scenario):
        drawn.append(scenario)

    draw()
    return [*drawn, with_target(drawn[0], tokens_per_s_per_user=1e9)]


def in_another_process(drawn, hash_seed):
    """Return the plans that a fresh interpreter makes; sets of text have another order there."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input="".join(scenario.model_dump_json() + "\n" for scenario in drawn),
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(placer.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    return [Plan.model_validate_json(line) for line in done.stdout.splitlines()]


def test_a_plan_is_the_same_in_every_run_and_process():
    drawn = some_scenarios()
    first = [make_plan(scenario, PROOF) for scenario in drawn]
    assert {plan.status for plan in first} == {Status.PLANNED, Status.INFEASIBLE}
    expected = [untimed(plan) for plan in first]
    assert [untimed(make_plan(scenario, PROOF)) for scenario in drawn] == expected
    for hash_seed in ("1", "2"):
        assert [untimed(plan) for plan in in_another_process(drawn, hash_seed)] == expected


@st.composite
def searched_otherwise(draw):
    """Draw a scenario; another seed, and smaller waves of boxes, search it in another order."""
    scenario = draw(scenarios())
    params = replace(PROOF, seed=draw(st.integers(1, 2**31 - 1)), node_limit=draw(st.sampled_from([8, 64])))
    return [Rung("start", scenario), Rung("another order", scenario, params=params)]


def test_the_order_of_the_search_does_not_matter():
    hold(searched_otherwise(), equal)
