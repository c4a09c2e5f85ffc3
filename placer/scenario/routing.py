"""How tokens spread over the experts of a layer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.errors import ScenarioError

MAX_EXPERTS = 100_000


class RoutingKind(StrEnum):
    """Shape of a routing profile."""

    UNIFORM = "uniform"
    ZIPF = "zipf"
    COUNTS = "counts"


class RoutingProfile(BaseModel):
    """Popularity of the experts of a layer, the same in every layer.

    ``zipf`` ranks experts by number: expert ``i`` has weight ``(i + 1) ** -exponent``. ``counts`` are routed
    tokens per expert, as measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RoutingKind = Field(default=RoutingKind.UNIFORM, description="shape of the profile")
    exponent: Annotated[float, Field(ge=0, le=10)] = Field(default=0.0, description="of zipf; 0 is uniform")
    counts: tuple[Annotated[float, Field(ge=0, le=1e15)], ...] = Field(
        default=(), description="routed tokens per expert, for kind counts"
    )

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
        """Return the chance that a token selects each expert.

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
