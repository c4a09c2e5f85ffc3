"""Proof that boxes hold no plan within limits, by multipliers found with multiplicative weights.

Every limit (critical path, devices, fabrics, ports, memory, whole layers to a stage) asks ``a_i(n) <= 0`` of the layer
counts ``n``, scaled so that 1 is the limit itself. If some ``y >= 0`` has ``sum of y_i a_i(n) > 0`` for every ``n``, no
plan keeps all limits. For fixed ``y`` the minimum over ``n`` falls apart by layer; ``y`` grows where the minimiser
breaks limits (Arora, Hazan and Kale 2012). Any ``y`` gives a valid proof, so nothing hangs on convergence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.cost.group import Array

#: Rounds of reweighting, and how far the first one moves.
ROUNDS, FIRST_STEP = 40, 1.0
#: A single layer that breaks a limit this often is not told from one that breaks it more.
MOST_USE = 1e3
#: Margin a proof must have, above all rounding.
MARGIN = 1e-9
#: Whole layers to a stage are looked at in up to so many parts (see `rounded_share`).
PARTS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Uses:
    """Layers of one class: how many, and what each placement uses of every limit.

    ``share`` has shape (num_placements, num_nodes, num_limits).
    """

    count: int
    share: Array


def rounded_share(share: Array, parts: int) -> Array:
    """Return shares of a stage after the dual feasible function ``u(k)`` of Fekete and Schepers, ``k = parts``.

    ``u(x) = floor((k+1) x) / k``, a part less where ``(k+1) x`` is whole: shares that fit a stage together still do.
    With ``k = 1`` everything above one half counts a whole stage.

    >>> rounded_share(np.array([0.3, 0.5, 0.6]), 1).tolist()
    [0.0, 0.0, 1.0]
    """
    whole = np.ceil((parts + 1) * share * (1.0 - 1e-9)) - 1.0
    return np.maximum(whole, 0.0) / parts


def hopeless(classes: list[Uses], fixed: Array) -> NDArray[np.bool_]:
    """Return which nodes are proven to hold no plan within the limits, shape (num_nodes,).

    Parameters
    ----------
    classes
        The layers.
    fixed : ndarray, shape (num_nodes, num_limits)
        What is used of every limit whatever the layers do.
    """
    num_nodes, num_limits = fixed.shape
    proven = np.zeros(num_nodes, dtype=bool)
    weight = np.full((num_nodes, num_limits), 1.0 / num_limits)
    use = [np.minimum(entry.share, MOST_USE) for entry in classes]
    rows = np.arange(num_nodes)
    for round_ in range(ROUNDS):
        broken = fixed - 1.0
        for entry, share in zip(classes, use, strict=True):
            cheapest = np.einsum("pnr,nr->pn", share, weight).argmin(axis=0)
            broken = broken + entry.count * share[cheapest, rows]
        proven |= np.einsum("nr,nr->n", broken, weight) > MARGIN
        if proven.all():
            break
        step = FIRST_STEP / np.sqrt(1.0 + round_)
        largest = np.abs(broken).max(axis=1, keepdims=True)
        weight = weight * np.exp(step * broken / np.maximum(largest, 1e-12))
        weight /= weight.sum(axis=1, keepdims=True)
    return proven
