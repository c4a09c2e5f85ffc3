"""Plans small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from placer.api import build_scenario, plan_scenario
from placer.catalog.loader import parse_fleet
from placer.files import read_mapping
from placer.model.spec import ModelSpec
from placer.scenario.scenario import Scenario
from placer.scenario.space import Space
from placer.scenario.workload import Target, Workload

FOLDER = Path(__file__).parents[2] / "fleets" / "known_optimal"


def _planned(name, *, pool=None, target=None):
    """Return the plan of a known optimum, with another pool and target."""
    parts = read_mapping(FOLDER / f"{name}.yaml")["scenario"]
    parts["fleet"]["pools"][0] |= pool or {}
    parts["target"] = target or parts["target"]
    return plan_scenario(
        Scenario(
            model=ModelSpec.model_validate(parts["model"]),
            fleet=parse_fleet(parts["fleet"], name),
            workload=Workload.model_validate(parts["workload"]),
            target=Target.model_validate(parts["target"]),
            space=Space.model_validate(parts.get("space", {})),
        ),
        gap=0.0,
    )


@pytest.fixture(scope="session")
def chips():
    """A replica is one chip: 10 slots, 1 s a request, 3.6 USD/h; 64 of them, rented in fours."""
    return _planned(
        "idle-surplus", pool={"count": 64, "unit": 4}, target={"tokens_per_s_per_user": 0.01, "tokens_per_s": 15.0}
    )


@pytest.fixture(scope="session")
def capped_chips():
    """The same, at most 40 USD/h: 8 chips."""
    target = {"tokens_per_s_per_user": 0.01, "tokens_per_s": 15.0, "cost_cap": "40 USD/h"}
    return _planned("idle-surplus", pool={"count": 64, "unit": 4}, target=target)


@pytest.fixture(scope="session")
def two_pools():
    """A replica of two groups."""
    return _planned("sidecar-for-ffn")


@pytest.fixture(scope="session")
def refused():
    """No plan."""
    return _planned("infeasible-speed")


def _served(service):
    """Return a plan of prefill and decode of gpt-oss-120b on H200."""
    scenario = build_scenario(
        "openai/gpt-oss-120b",
        "h200-8x",
        workload={"input_tokens": 8192, "output_tokens": 1024},
        target={"tokens_per_s_per_user": 50},
        service=service,
    )
    return plan_scenario(scenario)


@pytest.fixture(scope="session")
def disaggregated():
    """Prompts have devices of their own, and 99 of 100 first tokens come in 1.5 s."""
    return _served({"ttft_p99": "1.5 s", "forbidden_modes": ("colocated",)})


@pytest.fixture(scope="session")
def colocated():
    """Prompts pass between decode steps."""
    return _served({"forbidden_modes": ("disaggregated",)})
