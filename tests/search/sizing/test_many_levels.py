"""Many levels of hot experts: numbers stay within 64 bits, and finer levels never cost more."""

import pytest

from placer import verify
from placer.cost.shape import GroupShape
from placer.planner.planner import make_plan
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams
from placer.search.sizing.build import Candidate
from placer.search.sizing.model import build_sizing_model, solve_sizing

#: The hottest of 64 experts get most of the tokens.
COUNTS = {"kind": "counts", "counts": [1000 // (number + 1) for number in range(64)]}


def scenario(toys, parts, **space):
    """The toy with 64 experts a layer, more room, and so many equal shares."""
    raw = toys.scenario(routing=COUNTS, split_parts=parts, **space).model_dump(mode="json")
    raw["model"]["ffns"]["moe"]["num_experts"] = 64
    raw["fleet"]["devices"]["wide"]["memory"][0]["capacity"] = "360 kB"
    raw["fleet"]["devices"]["quick"]["memory"][0]["capacity"] = "72 kB"
    return Scenario.model_validate(raw)


@pytest.mark.parametrize("parts", [16, 32, 64])
def test_a_staged_sidecar_is_sized_with_many_levels(toys, parts):
    search = toys.Searched(scenario(toys, parts))
    candidate = Candidate(GroupShape("big", 1, 4, 1, 1), GroupShape("fast", 4, 2, 1, 1), 1, 4, 4)
    problem = search.builder.exact(candidate)
    assert len(problem.classes[1].placements) == 4 + parts - 1
    model, _ = build_sizing_model(problem)
    assert not model.validate()
    sizing = solve_sizing(problem, SolveParams(relative_gap=0.0))
    assert sizing is not None
    assert sizing.bound <= sizing.step


@pytest.mark.parametrize("parts", [16, 32])
def test_many_levels_plan_and_verify(toys, parts):
    small = {"max_microbatches": 1, "max_rank_batch": 1, "max_width": 2, "max_stages": 4}
    plan = make_plan(scenario(toys, parts, **small), SolveParams(relative_gap=0.009, budget_s=10.0))
    assert plan.metrics is not None
    assert verify(plan).status == "verified"


def test_finer_levels_are_no_slower(toys):
    # Multiples of eighths hold quarters, so the best step of one candidate only falls.
    candidate = Candidate(GroupShape("big", 1, 4, 1, 1), GroupShape("fast", 1, 4, 1, 1), 1, 4, 4)
    steps = []
    for parts in (1, 2, 4, 8, 16):
        problem = toys.Searched(scenario(toys, parts)).builder.exact(candidate)
        steps.append(solve_sizing(problem, SolveParams(relative_gap=0.0)).step)
    assert steps == sorted(steps, reverse=True)
