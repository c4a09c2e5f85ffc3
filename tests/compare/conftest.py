"""Plans worked out by hand in `tests/verify`, and what can be changed in them without breaking them."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path

import pytest

from placer.plan.plan import Plan

_VERIFY = Path(__file__).parents[1] / "verify"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, _VERIFY / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hand_plans, service_plans = _load("hand_plans"), _load("service_plans")


@pytest.fixture(scope="session")
def raw():
    """Return a function of a plan's name that returns it as a dict."""
    modules = {"service": service_plans, "decode": hand_plans}

    def build(name):
        module = modules["service" if name in {"disaggregated", "two_pools", "colocated"} else "decode"]
        return copy.deepcopy(getattr(module, name)())

    return build


@pytest.fixture(scope="session")
def written():
    """Return a function that makes a plan of a dict, its hashes made to fit."""

    def build(plan):
        plan = copy.deepcopy(plan)
        plan["provenance"]["input_sha256"] = hand_plans.hashes(plan["scenario"])
        return Plan.model_validate(plan)

    return build


@pytest.fixture(scope="session")
def metrics():
    """The function that works out the metrics of decode."""
    return hand_plans.metrics


@pytest.fixture(scope="session")
def two_replicas(raw, metrics):
    """Return `dense` with a second replica on the two idle devices of its unit: the same rent, twice the tokens."""

    def build():
        plan = raw("dense")
        plan["placement"]["replicas"].append({"first_device": {"host": [0]}})
        plan["metrics"] = metrics(step_s=64_608e-9, users=32, usd_per_hour=2.0, power_w=400.0, utilisation=0.5)
        price = plan["metrics"]["usd_per_million_output_tokens"]
        plan["bound"] = {"usd_per_million_output_tokens": 0.75 * price, "relative_gap": 0.25}
        return plan

    return build
