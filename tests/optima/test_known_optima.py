"""Fleets whose optimum is derived by hand in the file: the solver proves each to gap 0."""

from collections import Counter
from pathlib import Path

import pytest

from placer import simulate, verify
from placer.api import plan_scenario
from placer.catalog.loader import parse_fleet
from placer.files import read_mapping
from placer.model.spec import ModelSpec
from placer.plan.plan import Status
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service
from placer.scenario.space import Space
from placer.scenario.speculation import Speculation
from placer.scenario.workload import Target, Workload

FOLDER = Path(__file__).parents[2] / "fleets" / "known_optimal"
FILES = sorted(FOLDER.glob("*.yaml"))
TOLERANCE = 1e-6


def load(path):
    raw = read_mapping(path)
    parts = raw["scenario"]
    scenario = Scenario(
        model=ModelSpec.model_validate(parts["model"]),
        fleet=parse_fleet(parts["fleet"], str(path)),
        workload=Workload.model_validate(parts["workload"]),
        target=Target.model_validate(parts["target"]),
        space=Space.model_validate(parts.get("space", {})),
        speculation=Speculation.model_validate(parts["speculation"]) if "speculation" in parts else None,
        service=Service.model_validate(parts["service"]) if "service" in parts else None,
    )
    return scenario, raw["optimum"], raw.get("facts", {})


def test_there_are_at_least_twenty_and_each_says_why():
    assert len(FILES) >= 20
    for path in FILES:
        raw = read_mapping(path)
        assert raw["name"] == path.stem
        assert len(raw["why"]) > 40


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_optimum_is_found_and_proven(path):
    scenario, optimum, facts = load(path)
    plan = plan_scenario(scenario, gap=0.0, budget_s=60.0)
    assert plan.status == optimum["status"]
    report = verify(plan)
    assert report.status == "verified", report.findings
    if plan.status is Status.INFEASIBLE:
        check_refusal(plan.refusal, optimum)
        return
    figure = "usd_per_million_output_tokens" if plan.phases is None else "usd_per_request"
    assert getattr(plan.metrics, figure) == pytest.approx(optimum[figure], rel=TOLERANCE)
    assert plan.bound.relative_gap == 0.0
    check_facts(plan, facts)
    check_simulation(plan)


def check_simulation(plan):
    # Simulation and law agree on every one of them.
    plan = plan.decode_part()
    report = simulate(plan, deterministic=True)
    assert report.is_settled
    assert report.step_time.simulated >= report.law_step_time_s
    assert report.step_time.simulated == pytest.approx(plan.metrics.law_step_time_s, rel=TOLERANCE)
    drawn = simulate(plan, steps=20, jitter=0.0)
    assert abs(drawn.step_time.difference) < 0.02


def check_refusal(refusal, optimum):
    assert any(optimum["conflict"] in limit for limit in refusal.conflict)
    if "nearest" in optimum:
        nearest = pytest.approx(optimum["nearest"], rel=0.01)
        assert any(relief.value == nearest for relief in refusal.nearest)


def check_facts(plan, facts):
    found = {
        "devices": dict(plan.devices),
        "sequences_per_microbatch": plan.batch.sequences_per_microbatch,
        "draft_tokens": plan.batch.draft_tokens,
        "mode": plan.mode,
        "microbatches_in_flight": plan.batch.microbatches_in_flight,
        "step_time_s": pytest.approx(plan.metrics.step_time_s, rel=TOLERANCE),
        "ways": dict(Counter(str(layer.way) for layer in plan.placement.layers)),
    }
    for name, value in facts.items():
        assert value == found[name], name
