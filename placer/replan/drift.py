"""The routing a plan is re-placed for: one profile for all layers, or counts layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from placer.errors import InputError
from placer.replan.assignment import Floats
from placer.scenario.routing import RoutingKind, RoutingProfile
from placer.scenario.routing_file import RoutingCounts, read_routing_counts


@dataclass(frozen=True)
class Drift:
    """A routing; experts keep their numbers, unlike in ``placer plan``, which ranks them by popularity.

    Attributes
    ----------
    label
        What reports call it.
    profile
        The routing of every layer; of layers of their own in ``by_layer``, none.
    by_layer
        Profiles of layers that have their own, by number of the layer.
    """

    label: str
    profile: RoutingProfile | None
    by_layer: dict[int, RoutingProfile]

    def selection(self, layer: int, num_experts: int, top_k: int) -> Floats:
        """Return the chance that a token selects each expert of a layer, shape (num_experts,)."""
        profile = self.by_layer.get(layer, self.profile)
        if profile is None:
            raise InputError(f"has no counts of layer {layer}", where=self.label)
        return np.asarray(profile.selection_probability(num_experts, top_k))


def drift_of_profile(profile: RoutingProfile, label: str) -> Drift:
    """Return a routing that is the same in all layers."""
    return Drift(label, profile, {})


def drift_of_counts(counts: RoutingCounts, moe_layers: tuple[int, ...], label: str) -> Drift:
    """Return the routing of counts: one list for all layers, or one for each layer with experts.

    Parameters
    ----------
    counts
        As read from a file; ``layers`` may give numbers of layers.
    moe_layers
        Layers with routed experts.
    label
        Name of the file, for messages.

    Raises
    ------
    InputError
        If there are counts for some of the layers only.
    """
    profiles = [RoutingProfile(kind=RoutingKind.COUNTS, counts=layer) for layer in counts.counts]
    if len(profiles) == 1 or all(profile == profiles[0] for profile in profiles):
        return Drift(label, profiles[0], {})
    numbers = counts.layers if counts.layers is not None else moe_layers
    lacking = sorted(set(moe_layers) - set(numbers))
    if len(numbers) != len(profiles) or lacking:
        raise InputError(
            f"has counts of {len(profiles)} layers; expected one list, or one for each of the "
            f"{len(moe_layers)} layers with experts",
            where=label,
        )
    return Drift(label, None, dict(zip(numbers, profiles, strict=True)))


def read_drift(text: str, moe_layers: tuple[int, ...], named: Callable[[str], RoutingProfile]) -> Drift:
    """Return the routing a text names: ``FILE.json[#NAME]``, else whatever ``named`` makes of it.

    Raises
    ------
    InputError
        If it names no routing.
    """
    if text.partition("#")[0].endswith(".json"):
        return drift_of_counts(read_routing_counts(text), moe_layers, text)
    return drift_of_profile(named(text), text)
