"""One routing that stands for several: an expert counts as often as a microbatch touches it, on average over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from placer.cost.expert_load import touched_probability
from placer.errors import ScenarioError
from placer.scenario.routing import RoutingKind, RoutingProfile

#: A chance beyond this is taken for it.
NEARLY_ONE = 1.0 - 1e-12


def assert_one_kind(expert_layers: Mapping[tuple[int, int], Sequence[int]]) -> None:
    """Raise an error unless all layers with experts have as many of them.

    Raises
    ------
    ScenarioError
        If the model has none, or layers with different numbers of experts.
    """
    if len(expert_layers) != 1:
        kinds = ", ".join(f"{count} experts" for count, _ in expert_layers) or "no experts"
        raise ScenarioError(f"several routings need a model with one kind of MoE layers, got {kinds}", where="robust")


def mixture(
    profiles: Sequence[RoutingProfile],
    weights: Sequence[float],
    expert_layers: Mapping[tuple[int, int], Sequence[int]],
    tokens: float,
) -> RoutingProfile:
    """Return the routing that touches every expert as often as several do on average, each with its share.

    What is read is what a microbatch touches. Its mean over routings ranks experts better for a routing nobody
    measured than the mean of their chances does (``docs/robust.md``).

    Parameters
    ----------
    profiles, weights
        Routings, and shares that add up to 1.
    expert_layers
        The model's layers with experts, by (experts of a layer, experts a token visits).
    tokens
        Tokens of a microbatch.

    Raises
    ------
    ScenarioError
        As `assert_one_kind`.
    """
    assert_one_kind(expert_layers)
    (layers,) = expert_layers.values()
    by_profile = [profile.by_layer(expert_layers) for profile in profiles]
    batch, mixed = np.array([tokens]), []
    for layer in layers:
        touched = [touched_probability(chances[layer], batch)[0] for chances in by_profile]
        mean = np.average(touched, axis=0, weights=list(weights))
        # Chances of nearly one are told apart by how far from one they are.
        mixed.append((-np.expm1(np.log1p(-np.minimum(mean, NEARLY_ONE)) / tokens)).tolist())
    if all(profile.kind is not RoutingKind.LAYERS for profile in profiles):
        return RoutingProfile(kind=RoutingKind.COUNTS, counts=tuple(mixed[0]))
    return RoutingProfile(kind=RoutingKind.LAYERS, layers=tuple(map(tuple, mixed)), numbers=tuple(layers))
