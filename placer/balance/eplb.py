"""DeepSeek's EPLB, restated from its published description: the baseline, and where ours starts.

Replicate the expert with the largest load per replica until the slots are used up; pack heaviest first, each item to
the least loaded pack with room. The hierarchical policy packs expert groups to nodes, replicates within every node, and
packs replicas to the ranks of their node.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

Loads = NDArray[np.float64]
Slots = NDArray[np.int64]

#: Loads that differ by less, relatively, are equal.
_EQUAL = 1e-9


def replicate(loads: Loads, slots: int, *, most: int | None = None, least: float = 0.0) -> NDArray[np.int64]:
    """Return the replicas of every expert, shape (experts,), that add up to the slots, or to fewer.

    Minimises the largest load per replica.

    Parameters
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    slots
        Physical slots, at least as many as experts.
    most
        Replicas of an expert at most; not part of EPLB. Ignored once all experts have as many.
    least
        Load below which a replica is light enough; not part of EPLB.

    Examples
    --------
    >>> replicate(np.array([9.0, 4.0, 1.0]), 6).tolist()
    [3, 2, 1]
    """
    counts = np.ones(len(loads), dtype=np.int64)
    queue = [(-load, expert) for expert, load in enumerate(loads.tolist())]
    heapq.heapify(queue)
    for _ in range(slots - len(loads)):
        if least and -queue[0][0] <= least * (1.0 + _EQUAL):
            break
        expert = queue[0][1]
        counts[expert] += 1
        weight = float(loads[expert]) / int(counts[expert])
        # Experts that have enough wait behind all others, the heaviest still first.
        heapq.heapreplace(queue, (-weight if counts[expert] != most else 1.0 / (1.0 + weight), expert))
    return counts


def pack(weights: Loads, packs: int) -> Slots:
    """Return the items of every pack, as many in each: heaviest first, to the least loaded pack with room.

    Parameters
    ----------
    weights : ndarray, shape (items,)
        Load of every item.
    packs
        Packs; divides the items.

    Returns
    -------
    ndarray, shape (packs, items // packs)

    Examples
    --------
    >>> pack(np.array([5.0, 4.0, 3.0, 1.0]), 2).tolist()
    [[0, 3], [1, 2]]
    """
    room = len(weights) // packs
    content: list[list[int]] = [[] for _ in range(packs)]
    queue = [(0.0, index) for index in range(packs)]
    for item in np.argsort(-weights, kind="stable").tolist():
        load, index = heapq.heappop(queue)
        content[index].append(item)
        if len(content[index]) < room:
            heapq.heappush(queue, (load + float(weights[item]), index))
    return np.array(content, dtype=np.int64)


def pack_replicas(loads: Loads, counts: NDArray[np.int64], ranks: int) -> Slots:
    """Return the expert of every slot, shape (slots,), for given replicas of every expert, shape (experts,)."""
    items = np.repeat(np.arange(len(loads)), counts)
    return np.asarray(items[pack((loads / counts)[items], ranks)].ravel())


def eplb(loads: Loads, ranks: int, slots: int, *, nodes: int = 1, groups: int | None = None) -> Slots:
    """Return the expert of every slot as EPLB places them.

    Parameters
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    ranks, slots
        Ranks, and slots on all of them.
    nodes, groups
        Nodes of equally many ranks, and expert groups that must lie within one node; every expert is its own group
        where None. Where groups do not divide among nodes, the global policy is used, as EPLB does.

    Returns
    -------
    ndarray, shape (slots,)
    """
    num_groups = len(loads) if groups is None else groups
    if nodes == 1 or num_groups % nodes or len(loads) % num_groups:
        return pack_replicas(loads, replicate(loads, slots), ranks)
    members = np.arange(len(loads)).reshape(num_groups, -1)
    of_nodes = pack(loads[members].sum(axis=1), nodes)
    parts = []
    for held in of_nodes:
        experts = members[held].ravel()
        inner = loads[experts]
        parts.append(experts[pack_replicas(inner, replicate(inner, slots // nodes), ranks // nodes)])
    return np.concatenate(parts)
