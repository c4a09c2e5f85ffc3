"""One routing that stands for several: the weighted mean of their chances, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from placer.errors import ScenarioError
from placer.scenario.routing import RoutingKind, RoutingProfile


def mixture(
    profiles: Sequence[RoutingProfile],
    weights: Sequence[float],
    expert_layers: Mapping[tuple[int, int], Sequence[int]],
) -> RoutingProfile:
    """Return the routing of traffic mixed of several, each with its share.

    Parameters
    ----------
    profiles, weights
        Routings, and shares that add up to 1.
    expert_layers
        The model's layers with experts, by (experts of a layer, experts a token visits).

    Raises
    ------
    ScenarioError
        If the model has none, or layers with different numbers of experts.
    """
    if len(expert_layers) != 1:
        kinds = ", ".join(f"{count} experts" for count, _ in expert_layers) or "no experts"
        raise ScenarioError(f"several routings need a model with one kind of MoE layers, got {kinds}", where="robust")
    (layers,) = expert_layers.values()
    by_profile = [profile.by_layer(expert_layers) for profile in profiles]
    mixed = [
        np.average([chances[layer] for chances in by_profile], axis=0, weights=list(weights)).tolist()
        for layer in layers
    ]
    if all(profile.kind is not RoutingKind.LAYERS for profile in profiles):
        return RoutingProfile(kind=RoutingKind.COUNTS, counts=tuple(mixed[0]))
    return RoutingProfile(kind=RoutingKind.LAYERS, layers=tuple(map(tuple, mixed)), numbers=tuple(layers))
