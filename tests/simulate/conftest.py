"""The plans of `tests/verify`, worked out by hand, and synthetic programs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from placer.plan.placement import Role
from placer.plan.plan import Plan
from placer.simulate.program import Engine, Resource, Work, assemble

_PATH = Path(__file__).parents[1] / "verify" / "hand_plans.py"
_SPEC = importlib.util.spec_from_file_location("hand_plans", _PATH)
hand_plans = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hand_plans)


def ring(times, layers):
    """Attention, the way to the experts, experts, the way back, each a resource of its own, layer after layer."""
    engines = (Engine.COMPUTE, Engine.OUT, Engine.FABRIC, Engine.IN)
    resources = [Resource(Role.HOST, 0, engine) for engine in engines]
    return assemble(resources, [Work(station, "op", time) for _ in range(layers) for station, time in enumerate(times)])


@pytest.fixture(params=["dense", "cut", "speculating", "drafting_beside", "mixed", "pipeline"])
def hand_plan(request):
    return Plan.model_validate(getattr(hand_plans, request.param)())


@pytest.fixture
def pipeline():
    return Plan.model_validate(hand_plans.pipeline())


@pytest.fixture
def mixed():
    return Plan.model_validate(hand_plans.mixed())
