"""How tokens spread over the experts of a layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.errors import ScenarioError

MAX_EXPERTS = 100_000
#: Chances that differ by less are equal.
EQUAL = 1e-12
LayerWeights = tuple[Annotated[float, Field(ge=0, le=1e15)], ...]


class RoutingKind(StrEnum):
    """Shape of a routing profile."""

    UNIFORM = "uniform"
    ZIPF = "zipf"
    COUNTS = "counts"
    LAYERS = "layers"


class RoutingProfile(BaseModel):
    """Popularity of the experts of a layer: the same in every layer, or measured layer by layer.

    ``zipf`` ranks experts by number: expert ``i`` has weight ``(i + 1) ** -exponent``. ``counts`` are routed
    tokens per expert, as measured; ``layers`` are counts of several layers, and ``numbers`` says of which. A layer
    nobody measured takes the counts of the nearest one that was; without numbers the measured layers are spread evenly.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RoutingKind = Field(default=RoutingKind.UNIFORM, description="shape of the profile")
    exponent: Annotated[float, Field(ge=0, le=10)] = Field(default=0.0, description="of zipf; 0 is uniform")
    counts: tuple[Annotated[float, Field(ge=0, le=1e15)], ...] = Field(
        default=(), description="routed tokens per expert, for kind counts"
    )

    layers: tuple[LayerWeights, ...] = Field(
        default=(), description="routed tokens per expert, [layer][expert], for kind layers"
    )
    numbers: tuple[Annotated[int, Field(ge=0, le=100_000)], ...] = Field(
        default=(), description="the model's layers that were measured, rising; empty = spread evenly"
    )

    @model_validator(mode="after")
    def _layers_go_with_kind(self) -> RoutingProfile:
        if (self.kind is RoutingKind.LAYERS) != bool(self.layers):
            raise ValueError("layers are given exactly when kind is layers")
        for index, layer in enumerate(self.layers):
            if len(layer) != len(self.layers[0]):
                raise ValueError(f"layers[{index}] has {len(layer)} experts, layers[0] has {len(self.layers[0])}")
            if sum(layer) <= 0:
                raise ValueError(f"layers[{index}] is all zero")
        if self.numbers and (len(self.numbers) != len(self.layers) or list(self.numbers) != sorted(set(self.numbers))):
            raise ValueError(f"numbers must be {len(self.layers)} different layers in rising order")
        return self

    @model_validator(mode="after")
    def _counts_go_with_kind(self) -> RoutingProfile:
        if (self.kind is RoutingKind.COUNTS) != bool(self.counts):
            raise ValueError("counts are given exactly when kind is counts")
        if self.counts and sum(self.counts) <= 0:
            raise ValueError("counts are all zero")
        return self

    @property
    def label(self) -> str:
        """One word for tables."""
        return f"zipf {self.exponent:g}" if self.kind is RoutingKind.ZIPF else str(self.kind)

    def selection_probability(self, num_experts: int, top_k: int) -> NDArray[np.float64]:
        """Return the chance that a token selects each expert of a layer; of measured layers, the mean by rank.

        Parameters
        ----------
        num_experts, top_k
            Experts of a layer, and how many of them a token visits.

        Returns
        -------
        ndarray, shape (num_experts,)
            Between 0 and 1, summing to ``top_k``. Popularity beyond certainty is spread over the others.

        Raises
        ------
        ScenarioError
            If counts are given for another number of experts, or for fewer than ``top_k`` of them.
        """
        if self.kind is RoutingKind.LAYERS:
            ranked = -np.sort(-np.stack(self._measured(num_experts, top_k)), axis=1)
            mean: NDArray[np.float64] = ranked.mean(axis=0)
            mean.setflags(write=False)
            return mean
        if self.kind is RoutingKind.COUNTS:
            if len(self.counts) != num_experts:
                raise ScenarioError(
                    f"{len(self.counts)} counts for {num_experts} experts", where="workload.routing.counts"
                )
            weight = np.array(self.counts, dtype=np.float64)
        else:
            weight = np.power(np.arange(1.0, num_experts + 1.0), -self.exponent)
        if np.count_nonzero(weight) < top_k:
            raise ScenarioError(f"fewer than {top_k} experts have counts", where="workload.routing.counts")
        return _capped_shares(weight, top_k)

    def selections(self, layers: Sequence[int], num_experts: int, top_k: int) -> NDArray[np.float64]:
        """Return the chance that a token selects each expert, layer by layer.

        Parameters
        ----------
        layers
            Numbers of the model's layers with such experts, rising.
        num_experts, top_k
            Experts of a layer, and how many of them a token visits.

        Returns
        -------
        ndarray, shape (num_layers, num_experts)

        Raises
        ------
        ScenarioError
            As `selection_probability`.
        """
        if self.kind is not RoutingKind.LAYERS:
            return np.tile(self.selection_probability(num_experts, top_k), (len(layers), 1))
        measured = self._measured(num_experts, top_k)
        if self.numbers:
            nearest = [int(np.argmin(np.abs(np.array(self.numbers) - layer))) for layer in layers]
        else:
            nearest = [index * len(measured) // len(layers) for index in range(len(layers))]
        return np.stack([measured[index] for index in nearest])

    def _measured(self, num_experts: int, top_k: int) -> list[NDArray[np.float64]]:
        """Return the chances of every measured layer, each of shape (num_experts,)."""
        profiles = (RoutingProfile(kind=RoutingKind.COUNTS, counts=counts) for counts in self.layers)
        return [profile.selection_probability(num_experts, top_k) for profile in profiles]

    def by_layer(self, expert_layers: Mapping[tuple[int, int], Sequence[int]]) -> dict[int, NDArray[np.float64]]:
        """Return the chance that a token selects each expert, by layer.

        Parameters
        ----------
        expert_layers
            The model's layers with experts, by (experts of a layer, experts a token visits).

        Returns
        -------
        dict of int to ndarray, each of shape (num_experts,)

        Raises
        ------
        ScenarioError
            As `selection_probability`.
        """
        return {
            layer: chances
            for shape, layers in expert_layers.items()
            for layer, chances in zip(layers, self.selections(layers, *shape), strict=True)
        }


def is_uneven(chances: Iterable[NDArray[np.float64]]) -> bool:
    """Return whether some expert of some layer is wanted more than another of it; only then experts have copies.

    ``chances`` are those that a token selects each expert, by layer, each of shape (num_experts,).
    """
    return any(float(chance.max() - chance.min()) > EQUAL for chance in chances)


def _capped_shares(weight: NDArray[np.float64], total: int) -> NDArray[np.float64]:
    """Return shares proportional to ``weight``, summing to ``total``, none above 1."""
    certain = np.zeros(len(weight), dtype=bool)
    while True:
        free = weight[~certain].sum()
        share = np.where(certain, 1.0, weight * ((total - certain.sum()) / free if free else 0.0))
        over = (share > 1.0) & ~certain
        if not over.any():
            share.setflags(write=False)
            return share
        certain |= over


UNIFORM = RoutingProfile()
