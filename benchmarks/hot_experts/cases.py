"""What is asked: models, SRAM for a share of their routed experts, routing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from placer.api import build_scenario, load_fleet, load_model
from placer.catalog.fleet import Fleet
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.model.spec import ModelSpec
from placer.scenario.routing import RoutingKind, RoutingProfile
from placer.scenario.routing_presets import routing_preset
from placer.scenario.scenario import Scenario

HOST, SIDE = "rubin", "lpx"
#: Devices of the host pool; chips of a tray, and the most a fabric of the sidecar joins.
HOSTS, TRAY, FABRIC = 16, 8, 256
#: Layers measured, and the spread of the logarithm of counts: a coefficient of variation of 1.25, as in OLMoE.
MEASURED, SPREAD = 3, 0.97

MODELS = {"DeepSeek-V3": "deepseek-ai/DeepSeek-V3", "Kimi-K2": "moonshotai/Kimi-K2-Instruct"}
SHARES = (0.05, 0.2, 0.5)
ROUTINGS = ("uniform", "mixed", "domain", "olmoe-like")


@dataclass(frozen=True)
class Case:
    """One question; the sidecar's SRAM holds ``share`` of the bytes of all routed experts."""

    model: str
    share: float
    routing: str
    tps_user: float = 100.0

    @property
    def name(self) -> str:
        """Short name for tables and ``--case``."""
        return f"{self.model}/{self.share:.0%}/{self.routing}"

    def scenario(self) -> Scenario:
        """Return the question: both pools are rented whole by every plan, so prices compare throughput."""
        spec = load_model(MODELS[self.model])
        return build_scenario(
            spec,
            _fleet(lower(spec), self.share),
            workload={
                "input_tokens": 8192,
                "output_tokens": 1024,
                "routing": _routing(self.routing, spec).model_dump(),
            },
            target={"tokens_per_s_per_user": self.tps_user, "required_pools": (HOST, SIDE)},
        )


CASES = tuple(Case(model, share, routing) for model in MODELS for share in SHARES for routing in ROUTINGS)


def _fleet(model: ModelGraph, share: float) -> Fleet:
    """Return the catalog's fleet with a host pool of fixed size and as many chips as hold a share of the experts."""
    fleet = load_fleet("vera-rubin-nvl72-lpx")
    experts = sum(
        ops.moe.num_experts * sum(matrix.stored_bytes(matrix.weight_format) for matrix in ops.moe.expert.matrices)
        for ops in model.layer_ops
        if ops.moe is not None
    )
    chips = math.ceil(share * experts / fleet.device_of(SIDE).usable_bytes)
    fabrics = math.ceil(chips / FABRIC)
    domain = math.ceil(chips / fabrics / TRAY) * TRAY
    sizes = {HOST: (HOSTS, HOSTS), SIDE: (fabrics * domain, domain)}
    pools = tuple(
        pool.model_copy(update={"count": count, "unit": count, "domain": domain})
        for pool in fleet.pools
        for count, domain in (sizes[pool.name],)
    )
    return fleet.model_copy(update={"pools": pools})


def _routing(name: str, spec: ModelSpec) -> RoutingProfile:
    if name != "olmoe-like":
        return routing_preset(name).profile
    (experts,) = {ffn.num_experts for ffn in spec.ffns.values() if ffn.kind == "moe"}
    counts = np.random.default_rng(0).lognormal(0.0, SPREAD, (MEASURED, experts)) * 1e6
    return RoutingProfile(kind=RoutingKind.LAYERS, layers=tuple(tuple(map(float, layer.round())) for layer in counts))
