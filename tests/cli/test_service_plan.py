"""Commands that read plans, on a plan of a whole service."""

import json

import pytest

from placer.api import build_scenario, plan_scenario
from placer.catalog.loader import load_fleet
from placer.plan.files import save_plan


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory):
    """The file of a plan whose prompts are computed on devices of their own."""
    fleet = load_fleet("h100-8x")
    pools = tuple(pool.model_copy(update={"count": 8}) for pool in fleet.pools)
    scenario = build_scenario(
        "olmoe-1b-7b",
        fleet.model_copy(update={"pools": pools}),
        workload={"input_tokens": 2000, "output_tokens": 500},
        target={"tokens_per_s_per_user": 100},
        service={"forbidden_modes": ("colocated",)},
    )
    plan = plan_scenario(scenario, budget_s=20)
    assert plan.phases.prefill
    path = tmp_path_factory.mktemp("service") / "plan.json"
    save_plan(plan, path)
    return path


def test_a_service_is_verified(placer, plan_file):
    result = placer("verify", plan_file, "--json")
    assert result.code == 0
    report = json.loads(result.out)
    assert report["status"] == "verified"
    assert report["recomputed"]["ttft_s"] > 0
    assert {"phases", "prefill", "prefill-devices", "colocated", "service"} <= {
        check["name"] for check in report["checks"]
    }


def test_the_decoding_replicas_of_a_service_are_simulated(placer, plan_file):
    result = placer("simulate", plan_file, "--deterministic", "--json")
    assert result.code == 0
    step_s = json.loads(plan_file.read_text())["phases"]["decode"]["metrics"]["step_time_s"]
    assert json.loads(result.out)["step_time"]["simulated"] == pytest.approx(step_s, rel=1e-6)


def test_the_decoding_replicas_of_a_service_are_explained(placer, plan_file):
    result = placer("explain", plan_file)
    assert result.code == 0
    assert "worst layers" in result.out


def test_the_decoding_replicas_of_a_service_are_replanned_but_not_written(placer, plan_file, tmp_path):
    assert placer("replan", plan_file, "--routing", "zipf:1.0").code == 0
    refused = placer("replan", plan_file, "--routing", "zipf:1.0", "-o", tmp_path / "new.json")
    assert refused.code == 2
    assert "--phase decode" in refused.err
    assert not (tmp_path / "new.json").exists()
