"""A balance from nothing: what re-placement is measured against."""

from __future__ import annotations

import numpy as np

from placer.balance.layer import balance_layer
from placer.replan.assignment import Floats, Held, Problem, by_rank, rank_loads, shares, table_of

#: Swaps that are tried at most; each lowers the fullest rank.
_MOST_SWAPS = 2_000


def fresh_balance(problem: Problem) -> Held:
    """Return a balanced assignment that does not look at the old one.

    That of `placer.balance.layer.balance_layer`, which may put two replicas of an expert on one rank: there one
    changes places with that of another expert, and the fullest rank swaps with others while that helps.

    Parameters
    ----------
    problem
        Loads, ranks and slots; at least one slot an expert.

    Returns
    -------
    ndarray of bool, shape (ranks, experts)
    """
    num_ranks, slots, num_experts = problem.num_ranks, problem.slots, len(problem.loads)
    loads = problem.loads
    if problem.is_single:  # slots to spare hold experts nobody asks for
        loads = np.concatenate([loads, np.zeros(num_ranks * slots - num_experts)])
    found = balance_layer(loads, num_ranks, num_ranks * slots)
    rows = [[expert for expert in row if expert < num_experts] for row in by_rank(found.physical_to_logical, slots)]
    held = table_of(rows, num_experts)
    for rank, row in enumerate(rows):
        for expert in sorted({expert for expert in row if row.count(expert) > 1}):
            for _ in range(row.count(expert) - 1):
                _move_twin(held, problem.loads, rank, expert)
    for _ in range(_MOST_SWAPS):
        if not _swap(held, problem.loads):
            break
    return held


def _move_twin(held: Held, loads: Floats, rank: int, expert: int) -> None:
    """Put an expert that a rank has twice on another one, for an expert of that one of nearly the same share."""
    copies = held.sum(axis=0)
    share = loads / np.maximum(copies, 1)
    without = ~held[:, expert]
    fits = held & without[:, None] & ~held[rank][None, :]
    if fits.any():
        distance = np.where(fits, np.abs(share - loads[expert] / (copies[expert] + 1))[None, :], np.inf)
        other, back = np.unravel_index(int(distance.argmin()), distance.shape)
        held[other, back], held[rank, back], held[other, expert] = False, True, True


def _swap(held: Held, loads: Floats) -> bool:
    """Swap two copies so that the fullest rank gets lighter, and its partner no fuller than it was; say if any did."""
    share, load = shares(held, loads), rank_loads(held, loads)
    full = int(load.argmax())
    given = np.flatnonzero(held[full])
    best, chosen = float(load[full]) * (1.0 - 1e-9), None
    for rank in range(len(held)):
        taken = np.flatnonzero(held[rank])
        less = share[given][:, None] - share[taken][None, :]
        fits = ~held[rank][given][:, None] & ~held[full][taken][None, :] & (less > 0)
        if rank == full or not fits.any():
            continue
        fullest = np.where(fits, np.maximum(load[full] - less, load[rank] + less), np.inf)
        at = np.unravel_index(int(fullest.argmin()), fullest.shape)
        if fullest[at] < best:
            best, chosen = float(fullest[at]), (rank, given[at[0]], taken[at[1]])
    if chosen is None:
        return False
    rank, out, back = chosen
    held[full, out] = held[rank, back] = False
    held[full, back] = held[rank, out] = True
    return True
