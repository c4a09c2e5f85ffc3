"""A new assignment of experts to ranks that leaves as much as possible where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placer.errors import InputError
from placer.plan.replanning import Shares
from placer.replan.assignment import Floats, Held, Problem, lists_of, num_moves, table_of
from placer.replan.few_moves import NOISE, Effort, few_moves
from placer.replan.fresh import fresh_balance
from placer.replan.repair import repaired, restored

#: How much fuller than a fresh balance the fullest rank may be.
TOLERANCE = 0.01
#: Targets tried where moves are limited: the load between fresh and first repair is halved that often.
_HALVINGS = 7


@dataclass(frozen=True)
class Limits:
    """What a new assignment must keep to.

    Attributes
    ----------
    max_moves
        Copies that may be moved: the fullest rank then gets as low as the search finds. None: no limit.
    is_single
        Whether every expert has one copy; else it may have one on every rank.
    shares
        How the tokens of an expert are split over its copies.
    """

    max_moves: int | None = None
    is_single: bool = False
    shares: Shares = Shares.WEIGHTED


@dataclass(frozen=True)
class Rebalanced:
    """A new assignment and how it compares.

    Attributes
    ----------
    experts_by_rank
        Experts of every rank that is alive, in the order of ``ranks``.
    shares_by_rank
        Of every one of them, the share of its expert's tokens that goes there, in [0, 1].
    ranks
        Numbers of those ranks.
    moves
        Copies on a rank that did not have them.
    lower_bound_moves
        No assignment within the tolerance of the fresh balance moves less; proven.
    restored_moves
        Copies that have to be fetched at least because nobody alive has them.
    max_load, fresh_max_load, mean_load
        Load of the fullest rank, of a fresh balance's fullest rank with shares of the same kind, and the mean.
    is_balanced
        Whether the fullest rank is within the tolerance of the fresh balance's.
    """

    experts_by_rank: tuple[tuple[int, ...], ...]
    shares_by_rank: tuple[tuple[float, ...], ...]
    ranks: tuple[int, ...]
    moves: int
    lower_bound_moves: int
    restored_moves: int
    max_load: float
    fresh_max_load: float
    mean_load: float
    is_balanced: bool

    @property
    def is_minimal(self) -> bool:
        """Whether fewer moves are proven impossible."""
        return self.is_balanced and self.moves == self.lower_bound_moves


def rebalance(
    old: Sequence[Sequence[int]],
    loads: Sequence[float] | Floats,
    slots: int,
    *,
    ranks_alive: Sequence[int] | None = None,
    limits: Limits | None = None,
    effort: Effort | None = None,
) -> Rebalanced:
    """Return an assignment of few moves whose fullest rank is within 1 % of a fresh balance's.

    Parameters
    ----------
    old
        Experts of every rank, lost ranks included.
    loads : shape (experts,)
        Load of every expert, in any unit.
    slots
        Experts a rank has room for.
    ranks_alive
        Numbers of the ranks that are alive; numbers beyond ``old`` are new, empty ranks. None: all of ``old``.
    limits
        Most moves, one copy or several, and how those share the load; weighted shares and no limit where absent.
    effort
        How hard to search.

    Raises
    ------
    InputError
        If the experts do not fit the slots, an expert or rank is unknown, or more must be moved than may be.

    Examples
    --------
    Rank 2 is lost, and with it the only copy of expert 3; it goes where a second copy of expert 0 was:

    >>> done = rebalance([[0, 1], [0, 2], [0, 3]], [2.0, 2.0, 1.0, 1.0], 2, ranks_alive=[0, 1])
    >>> done.experts_by_rank, done.moves, done.lower_bound_moves
    (((1, 3), (0, 2)), 1, 1)
    """
    how, most = effort or Effort(), limits or Limits()
    ranks = tuple(range(len(old)) if ranks_alive is None else ranks_alive)
    problem = _problem(old, np.asarray(loads, dtype=np.float64), (slots, most), ranks)
    fresh = fresh_balance(problem)
    fresh_max = problem.max_load(fresh)
    held, bound = few_moves(problem, fresh_max * (1.0 + TOLERANCE), fresh, how)
    if most.max_moves is not None and num_moves(held, problem.old) > most.max_moves:
        held = _limited(problem, fresh_max, most.max_moves, how)
    return _described(problem, held, ranks, (fresh_max, bound))


def _problem(old: Sequence[Sequence[int]], loads: Floats, room: tuple[int, Limits], ranks: tuple[int, ...]) -> Problem:
    (slots, limits), num_experts = room, len(loads)
    if not ranks or len(set(ranks)) != len(ranks) or min(ranks) < 0:
        raise InputError("expected different numbers of ranks, at least one", where="ranks_alive")
    if not num_experts or not np.isfinite(loads).all() or (loads < 0).any():
        raise InputError("expected loads that are no negative numbers", where="loads")
    if any(not 0 <= expert < num_experts for rank in old for expert in rank):
        raise InputError(f"names an expert beyond the {num_experts} that have loads", where="old")
    if num_experts > len(ranks) * slots:
        raise InputError(
            f"{num_experts} experts do not fit {len(ranks)} ranks of {slots} slots; "
            f"{-(-num_experts // len(ranks))} slots a rank would do",
            where="slots",
        )
    alive = table_of([old[rank] if rank < len(old) else () for rank in ranks], num_experts)
    if int(alive.sum(axis=1).max()) > slots:
        raise InputError(f"a rank holds more experts than its {slots} slots", where="old")
    if limits.is_single and int(alive.sum(axis=0).max()) > 1:
        raise InputError("an expert has several copies, though each is to have one", where="old")
    return Problem(alive, loads, slots, limits.is_single, limits.shares)


def _limited(problem: Problem, fresh_max: float, max_moves: int, how: Effort) -> Held:
    """Return the assignment of the lowest fullest rank found with at most so many moves, by halving the target."""
    held = restored(problem, problem.old)
    needed = num_moves(held, problem.old)
    if needed > max_moves:
        raise InputError(f"{needed} experts have no copy left and must be fetched, more than {max_moves} moves")
    low, high = fresh_max, problem.max_load(held)
    for _ in range(_HALVINGS):
        target = (low + high) / 2
        trial, left = repaired(problem, target, how.rounds // 4, how.seed)
        if left == 0 and num_moves(trial, problem.old) <= max_moves:
            held, high = trial, min(target, problem.max_load(trial))
        else:
            low = target
    return held


def _described(problem: Problem, held: Held, ranks: tuple[int, ...], known: tuple[float, int]) -> Rebalanced:
    fresh_max, bound = known
    loads = problem.copy_loads(held)
    most = float(loads.sum(axis=1).max())
    parts = np.divide(loads, problem.loads, out=held / np.maximum(held.sum(axis=0), 1), where=problem.loads > 0)
    return Rebalanced(
        experts_by_rank=lists_of(held),
        shares_by_rank=tuple(tuple(row[has].tolist()) for row, has in zip(parts, held, strict=True)),
        ranks=ranks,
        moves=num_moves(held, problem.old),
        lower_bound_moves=bound,
        restored_moves=int((~problem.old.any(axis=0)).sum()),
        max_load=most,
        fresh_max_load=fresh_max,
        mean_load=float(problem.loads.sum()) / problem.num_ranks,
        is_balanced=most <= fresh_max * (1.0 + TOLERANCE) * (1.0 + NOISE),
    )
