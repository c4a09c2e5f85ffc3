"""The plans of `tests/verify`, worked out by hand, broken as the tables say.

A table's changes map the place of a value to its new value; ``"*0.9"`` multiplies the old one, and
a place that starts with ``-`` is deleted. Where inputs change, their hashes are made to fit, so
that only the check meant for the change can notice it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Mutant(NamedTuple):
    """One broken plan and the checks that must fail, no others."""

    name: str
    plan: str
    changes: dict[str, Any]
    failed: tuple[str, ...]


def _load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_HERE = Path(__file__).parent
hand_plans = _load(_HERE.parent / "verify" / "hand_plans.py")
service_plans = _load(_HERE.parent / "verify" / "service_plans.py")
mutants = [
    Mutant(*row)
    for name in ("structure", "copies", "robust", "figures", "kv", "paused", "speculation", "service")
    for row in _load(_HERE / f"{name}.py").MUTANTS
]


def _change(plan, place, value):
    *way, last = (int(key) if key.isdigit() else key for key in place.removeprefix("-").split("."))
    for key in way:
        plan = plan[key]
    if place.startswith("-"):
        del plan[last]
    elif isinstance(value, str) and value.startswith("*"):
        plan[last] *= float(value[1:])
    else:
        plan[last] = value


@pytest.fixture
def plan_of():
    """Return a mutant's plan as a dict, broken."""

    def build(mutant):
        module = hand_plans if hasattr(hand_plans, mutant.plan) else service_plans
        plan = getattr(module, mutant.plan)()
        for place, value in mutant.changes.items():
            _change(plan, place, value)
        if any(place.startswith("scenario.") for place in mutant.changes):
            plan["provenance"]["input_sha256"] = hand_plans.hashes(plan["scenario"])
        return plan

    return build


def pytest_generate_tests(metafunc):
    """Give every test that asks for a mutant the whole table."""
    if "mutant" in metafunc.fixturenames:
        metafunc.parametrize("mutant", mutants, ids=[mutant.name for mutant in mutants])
