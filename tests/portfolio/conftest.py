"""Portfolios with everything in them: resident models, cold ones in turns, an agent; decode alone, and with prefill."""

import json
from pathlib import Path

import pytest

from placer.files import read_mapping
from placer.portfolio.files import portfolio_json
from placer.portfolio.plan import plan_portfolio
from placer.portfolio.read import parse_scenario

FOLDER = Path(__file__).parents[2] / "fleets" / "known_portfolios"
AGENT = {
    "name": "fork",
    "requests_per_s": 0.02,
    "end_to_end": "20 s",
    "calls": [
        {"id": "ask", "model": "first", "isl": 16, "osl": 1},
        {"id": "left", "model": "always", "isl": 16, "osl": 1, "after": ["ask"]},
        {"id": "right", "model": "second", "isl": 16, "osl": 1, "after": ["ask"], "count": 1},
    ],
}


@pytest.fixture(scope="session")
def raw_scenario():
    """Fields of the scenario, to be changed at will."""

    def fresh():
        raw = read_mapping(FOLDER / "cold-in-ddr.yaml")["scenario"]
        raw["fleet"]["pools"][0].update({"count": 4, "unit": 2})
        raw["models"] = json.loads(json.dumps(raw["models"]))
        raw["models"][2].update({"name": "always", "residency": "resident", "requests_per_s": 0.5})
        raw["agents"] = [json.loads(json.dumps(AGENT))]
        raw["models"][0]["requests_per_s"] = raw["models"][1]["requests_per_s"] = 0.001
        return raw

    return fresh


@pytest.fixture(scope="session")
def portfolio(raw_scenario):
    """The planned portfolio."""
    return plan_portfolio(parse_scenario(raw_scenario(), "test"), gap=0.0)


@pytest.fixture
def raw_portfolio(portfolio):
    """Its document, to be broken at will."""
    return json.loads(portfolio_json(portfolio))


@pytest.fixture(scope="session")
def raw_service_scenario():
    """Fields of a scenario of whole services: one with groups that prefill, two that take turns, and an agent."""

    def fresh():
        raw = read_mapping(FOLDER / "shared-prefill-node.yaml")["scenario"]
        cold = read_mapping(FOLDER / "cold-with-prompts.yaml")["scenario"]
        raw["fleet"]["pools"].append(cold["fleet"]["pools"][0] | {"scale_out": "snail", "count": 2})
        raw["fleet"]["devices"] |= cold["fleet"]["devices"]
        raw["models"] = [raw["models"][0] | {"name": "always", "forbidden_modes": ["colocated"]}, *cold["models"]]
        raw["tiers"] = cold["tiers"]
        calls = [
            {"id": "ask", "model": "always", "isl": 16, "osl": 1},
            {"id": "answer", "model": "always", "isl": 16, "osl": 1, "after": ["ask"]},
        ]
        raw["agents"] = [{"name": "helper", "requests_per_s": 0.001, "end_to_end": "10 s", "calls": calls}]
        return json.loads(json.dumps(raw))

    return fresh


@pytest.fixture(scope="session")
def service_portfolio(raw_service_scenario):
    """The planned portfolio of whole services."""
    return plan_portfolio(parse_scenario(raw_service_scenario(), "test"), gap=0.0)


@pytest.fixture
def raw_service_portfolio(service_portfolio):
    """Its document, to be broken at will."""
    return json.loads(portfolio_json(service_portfolio))
