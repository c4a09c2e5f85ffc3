"""An assignment of few moves no rank of which is too full, and a bound on its moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placer.replan.assignment import Held, Problem, num_moves
from placer.replan.guided import guided, least_arrivals
from placer.replan.lower_bound import least_moves
from placer.replan.matched import matched_to
from placer.replan.repair import repaired
from placer.replan.thinning import thinned

#: Tables up to this many cells are solved to optimality.
EXACT_CELLS = 120
#: Rounds of full effort.
FULL_ROUNDS = 120
#: With more moves than these to guess, no guess was ever right.
_MOST_GUIDED = 32
NOISE = 1e-9


@dataclass(frozen=True)
class Effort:
    """How hard to search: rounds of large neighbourhood search, to which all work is in proportion, and a seed."""

    rounds: int = FULL_ROUNDS
    seed: int = 0


def few_moves(problem: Problem, target: float, fresh: Held, how: Effort) -> tuple[Held, int]:
    """Return an assignment of few moves, and a proven lower bound on the moves of any.

    Parameters
    ----------
    problem
        The layer.
    target
        Load no rank may exceed.
    fresh : ndarray of bool, shape (ranks, experts)
        An assignment that keeps to it.
    how
        How hard to search.
    """
    if problem.old.any(axis=0).all() and problem.max_load(problem.old) <= target:
        return problem.old, 0
    bound, effort = least_moves(problem, target), how.rounds / FULL_ROUNDS
    if problem.old.size <= EXACT_CELLS:
        return _exactly(problem, target, _repaired(problem, target, fresh, how), bound)
    if problem.is_single:
        return _repaired(problem, target, fresh, how), bound
    bound = least_arrivals(problem, target, bound, effort)
    if not problem.is_weighted:
        return _repaired(problem, target, fresh, how), bound
    found = guided(problem, target, bound, effort) if bound <= _MOST_GUIDED else None
    if found is None:
        found = _repaired(problem, target, fresh, how)
    return thinned(problem, target, found, bound, effort), bound


def _repaired(problem: Problem, target: float, fresh: Held, how: Effort) -> Held:
    """Return an assignment that keeps to the target with even shares, so with weighted ones, too; or a fresh one."""
    held, left = repaired(problem, target, how.rounds, how.seed)
    if left > 0:
        matched = matched_to(problem, fresh)
        held, left = repaired(problem, target, how.rounds, how.seed, start=matched)
        if left > 0 and problem.max_load(held) > target * (1.0 + NOISE):
            return matched
    return held


def _exactly(problem: Problem, target: float, held: Held, bound: int) -> tuple[Held, int]:
    """Return the assignment and bound CP-SAT ends with; what was found before where it finds nothing better."""
    from placer.search.fewest_moves import fewest_moves  # noqa: PLC0415 OR-Tools is only loaded where it is used
    from placer.search.weighted_moves import fewest_weighted_moves  # noqa: PLC0415

    solve = fewest_weighted_moves if problem.is_weighted else fewest_moves
    found, proven = solve(problem, target, held)
    if found is not None and problem.max_load(found) <= target * (1.0 + NOISE):
        held = min(held, found, key=lambda table: num_moves(table, problem.old))
    return np.asarray(held), max(bound, min(proven, num_moves(held, problem.old)))
