"""The plans of `tests/verify`, worked out by hand, and the table of mutants."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


def _load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_HERE = Path(__file__).parent
hand_plans = _load(_HERE.parent / "verify" / "hand_plans.py")
mutants = _load(_HERE / "mutants.py").MUTANTS


@pytest.fixture
def plan_of():
    """Return a mutant's plan as a dict, broken, its hashes made to fit where the mutant says so."""

    def build(mutant):
        plan = getattr(hand_plans, mutant.plan)()
        mutant.mutate(plan)
        if mutant.rehash:
            plan["provenance"]["input_sha256"] = hand_plans.hashes(plan["scenario"])
        return plan

    return build


def pytest_generate_tests(metafunc):
    """Give every test that asks for a mutant the whole table."""
    if "mutant" in metafunc.fixturenames:
        metafunc.parametrize("mutant", mutants, ids=[mutant.name for mutant in mutants])
