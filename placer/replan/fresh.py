"""A balance from nothing: what re-placement is measured against."""

from __future__ import annotations

import numpy as np

from placer.replan.assignment import Floats, Held, Problem, rank_loads, shares

#: Swaps that are tried at most; each lowers the fullest rank.
_MOST_SWAPS = 2_000


def fresh_balance(problem: Problem) -> Held:
    """Return a balanced assignment that does not look at the old one.

    Copies go where the share is largest, the heaviest share goes to the least loaded rank with room, and the fullest
    rank swaps with others while that helps: the steps of EPLB's policy, with swaps after them.

    Parameters
    ----------
    problem
        Loads, ranks and slots; at least one slot an expert.

    Returns
    -------
    ndarray of bool, shape (ranks, experts)
    """
    held = _packed(_copies(problem), problem.loads, (problem.num_ranks, problem.slots))
    for _ in range(_MOST_SWAPS):
        if not _swap(held, problem.loads):
            break
    return held


def _copies(problem: Problem) -> list[int]:
    loads = problem.loads
    copies = np.ones(len(loads), dtype=np.int64)
    for _ in range(problem.num_ranks * problem.slots - len(loads)):
        share = np.where(copies < problem.most_copies, loads / copies, -1.0)
        hottest = int(share.argmax())
        if share[hottest] < 0:
            break
        copies[hottest] += 1
    return [int(count) for count in copies]


def _packed(copies: list[int], loads: Floats, shape: tuple[int, int]) -> Held:
    """Return copies dealt to ranks; one that finds no rank with room and without its like is left out."""
    num_ranks, slots = shape
    held = np.zeros((num_ranks, len(loads)), dtype=np.bool_)
    load = np.zeros(num_ranks)
    # First copies first where shares are equal, so that no expert is left without one.
    items = sorted(
        ((loads[expert] / count, -number, expert) for expert, count in enumerate(copies) for number in range(count)),
        key=lambda item: (-item[0], -item[1], item[2]),
    )
    left = len(loads)
    for share, number, expert in items:
        free = held.sum(axis=1)
        is_first = number == 0
        spare = num_ranks * slots - int(free.sum())
        if not is_first and spare <= left:
            continue
        open_ = (free < slots) & ~held[:, expert]
        left -= is_first
        if open_.any():
            rank = int(np.where(open_, load, np.inf).argmin())
            held[rank, expert] = True
            load[rank] += share
    return held


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
