"""Questions about fleets whose optimum is known, so small that they are solved at once."""

from pathlib import Path

from placer.catalog.loader import parse_fleet
from placer.files import read_mapping
from placer.model.spec import ModelSpec
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service
from placer.scenario.workload import Target, Workload
from placer.sweep.question import Question

FOLDER = Path(__file__).parents[2] / "fleets" / "known_optimal"


def scenario(name="sidecar-for-ffn", **target):
    path = FOLDER / f"{name}.yaml"
    parts = read_mapping(path)["scenario"]
    return Scenario(
        model=ModelSpec.model_validate(parts["model"]),
        fleet=parse_fleet(parts["fleet"], str(path)),
        workload=Workload.model_validate(parts["workload"]),
        target=Target.model_validate(parts["target"] | target),
        service=Service.model_validate(parts["service"]) if "service" in parts else None,
    )


def question(speed=0.01, name="sidecar-for-ffn", **how):
    return Question(scenario=scenario(name, tokens_per_s_per_user=speed), **{"relative_gap": 0.0} | how)
