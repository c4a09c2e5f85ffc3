"""Nodes: expert groups kept whole where that costs nothing, replicas of an expert in different nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.balance.layer import balance_layer
from placer.balance.result import rank_loads

Loads = NDArray[np.float64]
Slots = NDArray[np.int64]


def hierarchical(  # noqa: PLR0913 those of `balance_layer`, and nodes and groups
    loads: Loads, ranks: int, slots: int, *, nodes: int, groups: int, seed: int, work: float
) -> Slots:
    """Return the expert of every slot, shape (slots,), with every expert group within one node.

    EPLB's hierarchical policy with a better balance at both levels: groups over nodes, replicas over a node's ranks.

    Parameters
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    ranks, slots, nodes
        Ranks and slots in all nodes; the nodes divide both.
    groups
        Groups of equally many experts in a row; the nodes divide them.
    seed, work
        See `placer.balance.layer.balance_layer`.
    """
    members = np.arange(len(loads)).reshape(groups, -1)
    held = balance_layer(loads[members].sum(axis=1), nodes, groups, seed=seed, work=work).physical_to_logical
    parts = []
    for own in np.array(held).reshape(nodes, -1):
        experts = members[own].ravel()
        inner = balance_layer(loads[experts], ranks // nodes, slots // nodes, seed=seed, work=work)
        parts.append(experts[list(inner.physical_to_logical)])
    return np.concatenate(parts)


def node_loads(slots: Slots, loads: Loads, nodes: int) -> Loads:
    """Return the load of every node, shape (nodes,)."""
    return rank_loads(slots, loads, nodes)


def replica_shares(slots: Slots, experts: int, nodes: int) -> Loads:
    """Return the share of every expert's replicas in every node, shape (nodes, experts)."""
    by_node = [np.bincount(part, minlength=experts) for part in slots.reshape(nodes, -1)]
    held = np.array(by_node, dtype=np.float64)
    return np.asarray(held / held.sum(axis=0))


def cross_node_share(slots: Slots, loads: Loads, nodes: int) -> float:
    """Return the share of tokens that leave their node, at best.

    Tokens come evenly from all nodes and every replica serves as many; a node serves its own first.
    """
    total = float(loads.sum())
    if not total:
        return 0.0
    local = np.minimum(replica_shares(slots, len(loads), nodes), 1 / nodes).sum(axis=0)
    return float(np.clip(1 - float((loads * local).sum()) / total, 0.0, 1.0))


def spread(slots: Slots, loads: Loads, ranks: int, nodes: int) -> Slots:
    """Return the same ranks in another order, with replicas of an expert in different nodes.

    The balance stays what it is. Pairs of ranks change places while that serves more tokens in their own node.

    Parameters
    ----------
    slots : ndarray, shape (slots,)
        Expert of every slot.
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    ranks, nodes
        Ranks the slots are on; nodes they are on.
    """
    rows = slots.reshape(ranks, -1)
    if nodes in {1, ranks} or rows.size == len(loads):
        return slots
    share = 1.0 / np.bincount(slots, minlength=len(loads))
    held = np.array([np.bincount(row, minlength=len(loads)) for row in rows]) * share
    order = np.arange(ranks)
    size = ranks // nodes
    while True:
        content = held[order].reshape(nodes, size, -1).sum(axis=1)
        gain, first, second = _best_exchange(content, held[order], loads, nodes)
        if gain <= 1e-9 * float(loads.sum()):
            return np.asarray(rows[order].ravel())
        order[[first, second]] = order[[second, first]]


def _best_exchange(content: Loads, held: Loads, loads: Loads, nodes: int) -> tuple[float, int, int]:
    """Return tokens that stay in their node more when two ranks change places, and the two."""
    size = len(held) // nodes
    local = (np.minimum(content, 1 / nodes) @ loads).tolist()
    best = (0.0, 0, 0)
    for first in range(len(held)):
        own = first // size
        others = np.arange((own + 1) * size, len(held))
        if not len(others):
            continue
        moved = held[others] - held[first]
        mine = np.minimum(content[own] + moved, 1 / nodes) @ loads
        theirs = np.minimum(content[others // size] - moved, 1 / nodes) @ loads
        gains = mine + theirs - local[own] - np.array(local)[others // size]
        index = int(gains.argmax())
        if gains[index] > best[0]:
            best = (float(gains[index]), first, int(others[index]))
    return best
