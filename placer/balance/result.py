"""What a balance is: slots of experts, the fullest rank, and what no placement can beat."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Load = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Expert = Annotated[int, Field(ge=0)]

#: How far bound and achieved load may lie on the wrong side of each other through rounding, relative.
ROUNDING = 1e-9


class LayerBalance(BaseModel):
    """Experts of a layer on physical slots, and how even the ranks are.

    Slot ``p`` lies on rank ``p // (slots // ranks)``. An expert's load is split evenly over its replicas.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_load: Load = Field(description="load of the fullest rank, in the unit of the counts")
    mean_load: Load = Field(description="mean load of the ranks")
    bound: Load = Field(description="no placement on these slots has a lower maximum")
    relative_gap: Share = Field(description="1 - bound / max_load")
    physical_to_logical: tuple[Expert, ...] = Field(description="expert of every physical slot")

    @model_validator(mode="after")
    def _bound_holds(self) -> Self:
        if self.bound > self.max_load * (1 + ROUNDING):
            raise ValueError(f"bound {self.bound!r} is above the achieved {self.max_load!r}")
        return self

    @property
    def imbalance(self) -> float:
        """Load of the fullest rank over the mean; 1 where nothing is routed."""
        return self.max_load / self.mean_load if self.mean_load else 1.0

    @property
    def num_replicas(self) -> tuple[int, ...]:
        """Replicas of every expert, shape (experts,)."""
        return tuple(np.bincount(self.physical_to_logical).tolist())


class PlacedLayer(LayerBalance):
    """A layer of a report."""

    hottest: Expert = Field(description="the expert with most tokens")
    policy: str = Field(description="global, or hierarchical: every expert group within one node")
    node_loads: tuple[Load, ...] = Field(description="load of every node")
    eplb_max_load: Load = Field(description="load of the fullest rank under EPLB with the same ranks, slots and nodes")
    cross_node_share: Share = Field(
        description="share of tokens whose expert has no replica to spare in the node they come from, tokens coming "
        "evenly from all nodes"
    )


class Affinity(BaseModel):
    """Traffic between consecutive layers, by co-activation counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cross_node_before: Share = Field(description="share of co-activations whose experts lie on different nodes, before")
    cross_node_after: Share = Field(description="the same after ranks were relabelled")


class BalanceReport(BaseModel):
    """Experts of all layers on physical slots; the contents of ``placer balance --json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experts: Annotated[int, Field(ge=1)]
    ranks: Annotated[int, Field(ge=1)]
    slots: Annotated[int, Field(ge=1)]
    nodes: Annotated[int, Field(ge=1)]
    layers: Annotated[tuple[PlacedLayer, ...], Field(min_length=1)]
    max_load: Load = Field(description="the layers' fullest ranks, added up: what a step waits for")
    mean_load: Load = Field(description="the layers' mean loads, added up")
    bound: Load = Field(description="the layers' bounds, added up")
    relative_gap: Share = Field(description="1 - bound / max_load")
    worst_relative_gap: Share = Field(description="of the layer with the largest")
    eplb_max_load: Load = Field(description="max_load under EPLB")
    affinity: Affinity | None = Field(default=None, description="absent where no co-activation counts are given")

    def to_json(self) -> str:
        """Return JSON text on one line, with a line break at the end."""
        return self.model_dump_json() + "\n"


def met(bound: float, achieved: float) -> float:
    """Return a bound, or what is achieved where the two differ by no more than rounding.

    >>> met(8.9999999999999, 9.0), met(8.9, 9.0)
    (9.0, 8.9)
    """
    return achieved if bound >= achieved * (1 - ROUNDING) else bound


def replica_counts(physical_to_logical: NDArray[np.int64], num_experts: int) -> NDArray[np.int64]:
    """Return the replicas of every expert, shape (experts,)."""
    return np.bincount(physical_to_logical.ravel(), minlength=num_experts)


def rank_loads(physical_to_logical: NDArray[np.int64], loads: NDArray[np.float64], ranks: int) -> NDArray[np.float64]:
    """Return the load of every rank.

    Parameters
    ----------
    physical_to_logical : ndarray, shape (slots,)
        Expert of every slot.
    loads : ndarray, shape (experts,)
        Tokens of every expert, split evenly over its replicas.
    ranks
        Ranks the slots are on, in order.

    Returns
    -------
    ndarray, shape (ranks,)

    Examples
    --------
    >>> rank_loads(np.array([0, 1, 0, 2]), np.array([6.0, 2.0, 1.0]), 2)
    array([5., 4.])
    """
    share = loads / np.maximum(replica_counts(physical_to_logical, len(loads)), 1)
    return np.asarray(share[physical_to_logical].reshape(ranks, -1).sum(axis=1))
