"""The routing a plan is re-placed for, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

from placer.graph.model_graph import ModelGraph
from placer.replan.assignment import Floats
from placer.scenario.routing import RoutingProfile


@dataclass(frozen=True)
class Drift:
    """A routing.

    Attributes
    ----------
    label
        What reports call it.
    profile
        The routing.
    chances
        By layer with experts: the chance that a token selects each, shape (num_experts,).
    """

    label: str
    profile: RoutingProfile
    chances: dict[int, Floats]


def drift_of(profile: RoutingProfile, model: ModelGraph, label: str) -> Drift:
    """Return a routing of a model's layers.

    Raises
    ------
    ScenarioError
        If the profile has counts for another number of experts.
    """
    return Drift(label, profile, profile.by_layer(model.expert_layers))
