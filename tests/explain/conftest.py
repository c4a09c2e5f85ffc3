"""The fleet whose hot expert pays, worked out by hand in ``fleets/known_optimal/hot-experts-pay.yaml``."""

from __future__ import annotations

import copy

import pytest

from placer.api import plan_scenario
from placer.catalog.loader import parse_fleet
from placer.files import read_mapping
from placer.model.spec import ModelSpec
from placer.scenario.scenario import Scenario
from placer.scenario.space import Space
from placer.scenario.workload import Target, Workload
from placer.verify.context import context_of


@pytest.fixture(scope="session")
def paying(repository):
    """Return a function that plans the fleet with other figures, and gives the plan's context.

    ``experts`` of a layer with their counts, SRAM in bytes, its bandwidth, the link's latency.
    """
    raw = read_mapping(repository / "fleets" / "known_optimal" / "hot-experts-pay.yaml")["scenario"]

    def planned(counts=(99, 1), *, sram="224 B", bandwidth="18800 B/s", latency="0 s", parts=2, layers=1, hbm="1960 B"):
        parts_of = copy.deepcopy(raw)
        parts_of["model"]["ffns"]["moe"]["num_experts"] = len(counts)
        parts_of["model"]["layers"][0]["repeat"] = layers
        devices = parts_of["fleet"]["devices"]
        devices["hbm"]["memory"][0]["capacity"] = hbm
        devices["sram"]["memory"][0] |= {"capacity": sram, "bandwidth": bandwidth}
        parts_of["fleet"]["link_types"]["wire"]["latency"] = latency
        parts_of["workload"]["routing"]["counts"] = list(counts)
        parts_of["space"]["split_parts"] = parts
        scenario = Scenario(
            model=ModelSpec.model_validate(parts_of["model"]),
            fleet=parse_fleet(parts_of["fleet"], "hand"),
            workload=Workload.model_validate(parts_of["workload"]),
            target=Target.model_validate(parts_of["target"]),
            space=Space.model_validate(parts_of["space"]),
        )
        context = context_of(plan_scenario(scenario, gap=0.0, budget_s=30.0))
        assert context is not None
        return context

    return planned
