"""A plan with its experts picked for another routing: same groups, batch, ways and levels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from placer.cost.group import Array
from placer.graph.ffns.moe import MoeOps
from placer.graph.model_graph import ModelGraph
from placer.plan.placement import ExpertLayout, FfnPart, LayerPlacement, Role
from placer.plan.plan import Plan
from placer.scenario.routing import RoutingProfile, is_uneven
from placer.search.expert_layout import PlacedLoads, fastest_layout
from placer.simulate.deployment import Deployment, deployment_of


def relaid(plan: Plan, routing: RoutingProfile, model: ModelGraph) -> Plan:
    """Return a plan whose experts are dealt for a routing: the hottest of a split layer on the sidecar.

    Parameters
    ----------
    plan
        A planned one; its figures are left as they are.
    routing
        What experts are picked on.
    model
        The plan's model lowered.
    """
    assert plan.placement is not None
    dealer = _Dealer(deployment_of(plan, model), routing.by_layer(model.expert_layers))
    layers = tuple(dealer.layer(placed) for placed in plan.placement.layers)
    placement = plan.placement.model_copy(update={"layers": layers, "experts": dealer.layouts})
    return plan.model_copy(update={"placement": placement})


class _Dealer:
    """Deals experts layer by layer; layers of equal chances and parts share a layout."""

    def __init__(self, deployment: Deployment, chances: Mapping[int, Array]) -> None:
        self._placement, self._chances = deployment.placement, chances
        self._groups, self._ops = deployment.hardware, deployment.model.layer_ops
        self._tokens = float(deployment.sequences)
        self._has_copies = is_uneven(chances.values())
        self._loads: dict[bytes, PlacedLoads] = {}
        self._names: dict[tuple[bytes, Role, int, int], str] = {}
        self.layouts: dict[str, ExpertLayout] = {}

    def layer(self, placed: LayerPlacement) -> LayerPlacement:
        """Return a layer with its parts dealt anew."""
        if any(part.experts is None for part in placed.ffn):
            return placed
        counts = [self._count(part) for part in placed.ffn]
        # Of two parts the first has the cold experts, the last the hot ones; the hottest are dealt first.
        starts = [sum(counts[index + 1 :]) for index in range(len(counts))]
        parts = tuple(
            part.model_copy(update={"experts": self._dealt(placed.layer, part, (start, start + count))})
            for part, start, count in zip(placed.ffn, starts, counts, strict=True)
        )
        return placed.model_copy(update={"ffn": parts})

    def _moe(self, layer: int) -> MoeOps:
        moe = self._ops[layer].moe
        assert moe is not None
        return moe

    def _count(self, part: FfnPart) -> int:
        ranks = self._placement.experts[part.experts or ""].experts_by_rank
        return len({expert for rank in ranks for expert in rank})

    def _dealt(self, layer: int, part: FfnPart, span: tuple[int, int]) -> str:
        chances, role = self._chances[layer], part.at.role
        key = (chances.tobytes(), role, *span)
        if key not in self._names:
            loads = self._loads.setdefault(key[0], PlacedLoads(chances, has_copies=self._has_copies))
            hottest_first = np.argsort(-chances, kind="stable")[slice(*span)]
            ranks = tuple(
                tuple(sorted(int(hottest_first[member]) for member in members))
                for members in fastest_layout(loads, span, (self._groups[role], self._moe(layer)), self._tokens)
            )
            self._names[key] = f"{role}-layer{layer}-{span[0]}-{span[1]}"
            self.layouts[self._names[key]] = ExpertLayout(role=role, experts_by_rank=ranks)
        return self._names[key]
