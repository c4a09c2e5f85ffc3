"""Plans worked out by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("hand_plans", Path(__file__).with_name("hand_plans.py"))
hand_plans = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hand_plans)


_SERVICE = importlib.util.spec_from_file_location("service_plans", Path(__file__).with_name("service_plans.py"))
service_plans = importlib.util.module_from_spec(_SERVICE)
_SERVICE.loader.exec_module(service_plans)


@pytest.fixture(scope="session")
def services():
    """Functions that return a plan of a whole service each, as a dict."""
    return {name: getattr(service_plans, name) for name in ("disaggregated", "two_pools", "colocated")}


@pytest.fixture(scope="session")
def plans():
    """Functions that return a plan each, as a dict."""
    return {
        name: getattr(hand_plans, name)
        for name in (
            "dense",
            "cut",
            "mixed",
            "copied",
            "drifting",
            "pipeline",
            "pausing",
            "drafted",
            "speculating",
            "drafting_beside",
        )
    }


@pytest.fixture(scope="session")
def hashes():
    """The function that hashes the inputs of a scenario."""
    return hand_plans.hashes
