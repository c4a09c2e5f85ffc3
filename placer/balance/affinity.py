"""Which rank of a layer is which device: ranks change names, so that tokens stay in their node from layer to layer.

A permutation of ranks leaves every rank's load what it is. Which ranks of a layer lie in which node is an assignment
problem once the layers before and after are fixed; it is solved exactly, layer after layer, until nothing moves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from placer.balance.nodes import replica_shares
from placer.balance.result import Affinity

Loads = NDArray[np.float64]
Slots = NDArray[np.int64]

_SWEEPS = 6
#: Largest gain as an integer; the assignment solver takes integers.
_SCALE = 10**9


def relabelled(
    placed: Sequence[Slots], affinity: Loads, nodes: int, units: Sequence[int]
) -> tuple[list[Slots], Affinity]:
    """Return the slots of all layers with ranks relabelled, and the traffic before and after.

    Parameters
    ----------
    placed
        Of every layer the expert of every slot, shape (slots,).
    affinity : ndarray, shape (layers - 1, experts, experts)
        Tokens that chose an expert in a layer and another in the next; both are served by any replica, evenly.
    nodes
        Nodes the slots are on.
    units
        Of every layer, how many parts move as a whole: its ranks, or its nodes where groups must stay together.
    """
    experts = affinity.shape[1] if len(affinity) else 1
    current = list(placed)
    before = crossing(current, affinity, nodes)
    best = before
    if nodes > 1 and len(affinity) and affinity.any():
        for _ in range(_SWEEPS):
            for layer in range(len(current)):
                pull = _pull(current, affinity, nodes, layer)
                current[layer] = _assigned(current[layer], pull, units[layer], nodes, experts)
            after = crossing(current, affinity, nodes)
            if after >= best - 1e-12:
                break
            best = after
    after = crossing(current, affinity, nodes)
    if after > before:  # rounding of gains to integers
        return list(placed), Affinity(cross_node_before=before, cross_node_after=before)
    return current, Affinity(cross_node_before=before, cross_node_after=after)


def crossing(placed: Sequence[Slots], affinity: Loads, nodes: int) -> float:
    """Return the share of co-activations whose two experts are served in different nodes, in [0, 1]."""
    total = float(affinity.sum())
    if not total:
        return 0.0
    experts = affinity.shape[1]
    shares = [replica_shares(slots, experts, nodes) for slots in placed]
    same = sum(
        float(np.einsum("ni,ij,nj->", shares[index], table, shares[index + 1], optimize=True))
        for index, table in enumerate(affinity)
    )
    return float(np.clip(1 - same / total, 0.0, 1.0))


def _pull(placed: Sequence[Slots], affinity: Loads, nodes: int, layer: int) -> Loads:
    """Return the tokens an expert shares with every node through the layers next to it, shape (nodes, experts)."""
    experts = affinity.shape[1]
    pull = np.zeros((nodes, experts))
    if layer > 0:
        pull += replica_shares(placed[layer - 1], experts, nodes) @ affinity[layer - 1]
    if layer < len(affinity):
        pull += replica_shares(placed[layer + 1], experts, nodes) @ affinity[layer].T
    return pull


def _assigned(slots: Slots, pull: Loads, units: int, nodes: int, experts: int) -> Slots:
    """Return the slots with units, as many in each node, where they gain most."""
    from ortools.graph.python import linear_sum_assignment  # noqa: PLC0415 loads the solver

    parts = slots.reshape(units, -1)
    share = 1.0 / np.bincount(slots, minlength=experts)
    gain = np.array([pull[:, part] @ share[part] for part in parts])
    largest = float(gain.max())
    if not largest:
        return slots
    cost = np.rint((largest - gain) / largest * _SCALE).astype(np.int64)
    seats = np.repeat(np.arange(nodes), units // nodes)
    solver = linear_sum_assignment.SimpleLinearSumAssignment()
    solver.add_arcs_with_cost(
        np.repeat(np.arange(units), units), np.tile(np.arange(units), units), cost[:, seats].ravel()
    )
    solver.solve()
    seat = np.array([solver.right_mate(unit) for unit in range(units)])
    if (gain[np.arange(units), seats[seat]]).sum() <= gain[np.arange(units), seats].sum() * (1 + 1e-12):
        return slots
    return np.asarray(parts[np.argsort(seat)].ravel())
