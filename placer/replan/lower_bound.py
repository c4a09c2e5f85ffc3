"""How many moves no re-placement can do without, by counting; see ``docs/replan.md`` for the argument."""

from __future__ import annotations

import math

import numpy as np

from placer.replan.assignment import Floats, Problem, rank_loads

_NOISE = 1e-9


def least_moves(problem: Problem, target: float) -> int:
    """Return a lower bound on the moves of any assignment whose fullest rank is at most at ``target``.

    Every expert without a copy has to arrive somewhere. A rank that is too full even without what others have as well
    must give experts away or have copies of them made, as many as their loads demand; each arrives somewhere. Beyond
    that, take the ranks all whose experts have a single
    copy. Unless something arrives there, such a rank gets no fuller than it is; and since all ranks together carry
    everything, what ranks lie below the target is ``ranks x target - sum of loads`` in all. Ranks beyond that need an
    arrival, as many as their missing load takes of the heaviest experts; and where there is no free slot, an arrival
    drives out an expert that has to arrive elsewhere.

    Parameters
    ----------
    problem
        The layer.
    target
        Load no rank may exceed, in the unit of the loads.
    """
    lost = int((~problem.old.any(axis=0)).sum()) + _given_away(problem, target)
    slack = problem.num_ranks * target - float(problem.loads.sum())
    if slack < 0:
        return lost
    rigid = ~(problem.old & (problem.old.sum(axis=0) > 1)[None, :]).any(axis=1)
    load = rank_loads(problem.old, problem.loads)
    held = problem.old.sum(axis=1)
    ranks = np.flatnonzero(rigid & (load < target))
    waste = target - load[ranks]
    arrivals = np.array([_arrivals(problem, int(rank), target - slack) for rank in ranks], dtype=np.float64)
    driven_out = np.maximum(arrivals - (problem.slots - held[ranks]), 0.0)
    return max(_forced(arrivals, waste, slack), lost + _forced(driven_out, waste, slack))


def _given_away(problem: Problem, target: float) -> int:
    """Return how many experts that one rank alone has must arrive at another, too, for no rank to be too full."""
    sole = problem.old & (problem.old.sum(axis=0) == 1)[None, :]
    given = 0
    for row in sole:
        loads = -np.sort(-problem.loads[row])
        excess = float(loads.sum()) - target * (1.0 + _NOISE)
        if excess > 0:
            given += 1 + int(np.searchsorted(np.cumsum(loads), excess * (1.0 - _NOISE)))
    return given


def _arrivals(problem: Problem, rank: int, least_load: float) -> int:
    """Return how many experts must arrive at a rank if any does: enough for a load, were they the heaviest."""
    absent = -np.sort(-problem.loads[~problem.old[rank]])
    load = float(problem.loads[problem.old[rank]].sum())
    reached = load + np.cumsum(absent)
    return 1 + int(np.searchsorted(reached, least_load * (1.0 - _NOISE)))


def _forced(costs: Floats, waste: Floats, slack: float) -> int:
    """Return the least cost of ranks that are not left alone; those left alone waste at most ``slack`` together.

    A knapsack, bounded by its fractional relaxation.
    """
    spared = 0.0
    left = slack * (1.0 + _NOISE)
    for rank in np.argsort(waste / np.maximum(costs, _NOISE), kind="stable"):
        taken = min(1.0, left / waste[rank])
        spared += taken * costs[rank]
        left -= taken * waste[rank]
        if left <= 0:
            break
    return math.ceil(float(costs.sum()) - spared - 1e-6)
