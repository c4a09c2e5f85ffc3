"""Lower bounds on the step time by weak duality, vectorised over nodes.

A step lasts at least as long as every resource is busy, hence at least any weighted mean of them (weights ``w >= 0``
summing to 1). For fixed weights every layer takes its cheapest placement on its own; a price ``mu >= 0`` on bytes
charges the memory they need (Lagrangian relaxation):

``T' >= sum over classes k of N_k min over p (w . times[k, p] + mu bytes[k, p]) - mu capacity``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from placer.cost.group import Array
from placer.search.rows import HOST, HOST_FABRIC, HOST_IN, NUM_TIMES, PATH, SIDE, SIDE_FABRIC, SIDE_OUT


def _weights() -> Array:
    mixes: list[dict[int, float]] = [
        {PATH: 1.0},
        {HOST: 1.0},
        {SIDE: 1.0},
        {HOST_IN: 1.0},
        {SIDE_OUT: 1.0},
        {PATH: 0.5, HOST: 0.5},
        {PATH: 0.5, SIDE: 0.5},
        {HOST: 0.75, SIDE: 0.25},
        {HOST: 0.5, SIDE: 0.5},
        {HOST: 0.25, SIDE: 0.75},
        {HOST_FABRIC: 1.0},
        {SIDE_FABRIC: 1.0},
        {HOST: 0.5, HOST_FABRIC: 0.5},
    ]
    table = np.zeros((NUM_TIMES, len(mixes)))
    for number, mix in enumerate(mixes):
        for resource, weight in mix.items():
            table[resource, number] = weight
    table.setflags(write=False)
    return table


#: Weights tried, shape (9, num_weights); any would be valid, these are the mixes optima were seen to balance.
WEIGHTS = _weights()
#: Those also tried with prices on memory.
MEMORY_WEIGHTS = np.ascontiguousarray(WEIGHTS[:, [0, 1, 2, 5, 6, 8]])

#: Time of what cannot be; large against any step, small enough to be summed.
FOREVER_S = 1e9


@dataclass(frozen=True)
class ClassLoad:
    """Layers of one class: how many, and what each placement takes.

    ``times`` has shape (num_placements, num_nodes, 9), bytes (num_placements, num_nodes).
    """

    count: int
    times: Array
    host_bytes: Array
    side_bytes: Array

    def with_volumes(self, host: Array, side: Array) -> ClassLoad:
        """Return the same layers with other bytes."""
        return replace(self, host_bytes=host, side_bytes=side)


def _mixed(times: Array, weights: Array) -> Array:
    """Return weighted means over the last axis, without BLAS: its own threads would fight with those of the search."""
    mixed: Array = np.einsum("...r,rw->...w", times, weights)
    return mixed


def _cheapest(cost: Array, volume: Array, price: Array) -> Array:
    """Return the cheapest placement at a price per byte, shape (num_nodes, num_weights)."""
    best: Array = cost[0] + price * volume[0][:, None]
    for one_cost, one_volume in zip(cost[1:], volume[1:], strict=True):
        np.minimum(best, one_cost + price * one_volume[:, None], out=best)
    return best


def _with_memory(counts: list[int], costs: list[Array], volumes: list[Array], capacity: Array) -> Array:
    """Return the best bound over prices at which the largest class would change its mind.

    Those are the slopes between its cheapest or its lightest placement and every other.
    """
    main = max(range(len(counts)), key=lambda index: counts[index])
    cost, volume = costs[main], np.broadcast_to(volumes[main][:, :, None], costs[main].shape)
    lightest = np.argmin(np.where(cost < FOREVER_S / 2, volume, np.inf), axis=0)
    best = np.full(cost.shape[1:], -np.inf)
    for anchor in (cost.argmin(axis=0), lightest):
        anchor_cost = np.take_along_axis(cost, anchor[None], axis=0)[0]
        anchor_volume = np.take_along_axis(volume, anchor[None], axis=0)[0]
        for placement in range(len(cost)):
            with np.errstate(divide="ignore", invalid="ignore"):
                price = (cost[placement] - anchor_cost) / (anchor_volume - volume[placement])
            price = np.where(np.isfinite(price), np.maximum(price, 0.0), 0.0)
            total = -price * capacity[:, None]
            for count, one_cost, one_volume in zip(counts, costs, volumes, strict=True):
                total += count * _cheapest(one_cost, one_volume, price)
            np.maximum(best, total, out=best)
    return best


def step_bound(classes: list[ClassLoad], fixed: Array, capacity: tuple[Array, Array] | None) -> Array:
    """Return a lower bound on the step time of every node, shape (num_nodes,).

    Parameters
    ----------
    classes
        The layers.
    fixed : ndarray, shape (num_nodes, 9)
        What embedding and LM head take of every resource, at least.
    capacity
        Bytes free on host and sidecar for the layers, each of shape (num_nodes,); None to leave memory out.
    """
    if capacity is None or len(classes[0].times) == 1:
        total = _mixed(fixed, WEIGHTS)
        for entry in classes:
            total += entry.count * _mixed(entry.times, WEIGHTS).min(axis=0)
        return np.asarray(total.max(axis=1))
    counts = [entry.count for entry in classes]
    costs = [_mixed(entry.times, MEMORY_WEIGHTS) for entry in classes]
    best = np.maximum(
        _with_memory(counts, costs, [entry.host_bytes for entry in classes], capacity[0]),
        _with_memory(counts, costs, [entry.side_bytes for entry in classes], capacity[1]),
    )
    return np.asarray((best + _mixed(fixed, MEMORY_WEIGHTS)).max(axis=1))
