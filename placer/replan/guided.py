"""Few moves with weighted shares: a relaxation says which experts arrive anywhere, an exact model then where."""

from __future__ import annotations

from itertools import product

import numpy as np

from placer.replan.assignment import Held, Problem, num_moves

#: Work limits of the relaxation and of the exact model [deterministic s], at full effort.
_RELAXED_LIMIT, _EXACT_LIMIT = 0.4, 0.15
#: Seeds of the relaxation: every answer is another guess. All but the first leave a share of the target for what the
#: relaxation does not see.
_SEEDS, _SPARE = 4, 0.002
#: Numbers of moves tried between the bound and what is content.
_LEVELS = 3
#: Moves beyond the bound, as shares of it: what is content, and what is tried where nothing else is found.
CLOSE, _FAR = 0.2, (0.4, 0.6)
#: Heaviest experts that are copied where no guess of the relaxation was right.
_HEAVY = 6
#: Work on that where many layers share the effort.
_LEAST_EFFORT = 0.3
#: What the target is lowered by, so that loads rounded down still stay below it.
ROUNDING = 2e-4


def is_close(problem: Problem, held: Held, bound: int) -> bool:
    """Return whether an assignment moves at most a fifth more than the bound."""
    return num_moves(held, problem.old) <= int(bound * (1.0 + CLOSE))


def least_arrivals(problem: Problem, target: float, least: int, effort: float) -> int:
    """Return a bound on moves, at least the one that is known: as many as the relaxation does not rule out.

    Parameters
    ----------
    problem
        The layer; the bound holds for shares of any kind.
    target
        Load no rank may exceed.
    least
        A bound that is known.
    effort
        Work, relative to the default.
    """
    from placer.search.arrivals import arrivals  # noqa: PLC0415 OR-Tools is only loaded where it is used

    while arrivals(problem, target, least, _RELAXED_LIMIT * effort).is_ruled_out:
        least += 1
    return least


def guided(problem: Problem, target: float, bound: int, effort: float) -> Held | None:
    """Return an assignment of as many moves as the bound or a few more, or None if none was found.

    Parameters
    ----------
    problem
        The layer, with weighted shares.
    target
        Load no rank may exceed.
    bound
        What is proven.
    effort
        Work, relative to the default.
    """
    from placer.search.arrivals import arrivals  # noqa: PLC0415 as above

    near = np.unique(np.linspace(bound, int(bound * (1.0 + CLOSE)), _LEVELS).astype(int)).tolist()
    far = [int(bound * (1.0 + share)) for share in _FAR]
    shared = problem.old.sum(axis=0) > 1
    hopeless = set[int]()
    seeds = range(round(_SEEDS * effort))
    for seed, most in (*product(seeds, near), *((seed, far[seed % len(far)]) for seed in seeds)):
        if most in hopeless:
            continue
        lowered = target * (1.0 - _SPARE * min(seed, 1))
        guess = arrivals(problem, lowered, most, _RELAXED_LIMIT * effort, seed)
        arriving, copied = guess.experts, guess.copied
        if arriving is None or copied is None:
            hopeless |= {most} if seed == 0 else set()
            continue
        # Copies of whatever has several may arrive, too: tried once, since that takes longer.
        for moving in (arriving, arriving | shared) if seed == 0 else (arriving,):
            found = with_arrivals(problem, target, (moving, copied), (most, effort))
            if found is not None:
                return found
    # Where one copy each was planned, copies of the heaviest experts fill what the others leave.
    heavy = np.zeros(len(problem.loads), dtype=np.bool_)
    heavy[np.argsort(-problem.loads, kind="stable")[:_HEAVY]] = True
    for most in (*far, 2 * bound):
        found = with_arrivals(problem, target, (heavy, heavy), (most, max(effort, _LEAST_EFFORT)))
        if found is not None:
            return found
    return None


def with_arrivals(
    problem: Problem, target: float, experts: tuple[Held, Held], how: tuple[int, float], seed: int = 0
) -> Held | None:
    """Return an assignment in which only some experts arrive anywhere, and those nobody has; None if none was found.

    Parameters
    ----------
    problem, target
        As of `guided`.
    experts : ndarrays of bool, shape (experts,)
        Those that may arrive, and those that may end with several copies; what has several now is one of them.
    how
        Moves allowed, and work relative to the default.
    seed
        Of the search.
    """
    from placer.search.weighted_moves import Scope, moves_within  # noqa: PLC0415 as above

    copies = problem.old.sum(axis=0)
    lowered, moving = target * (1.0 - ROUNDING), experts[0] | (copies == 0)
    is_open = moving[None, :] | (problem.old & (copies > 1)[None, :])
    is_single = ~experts[1] & (copies <= 1) & (problem.loads <= lowered)
    scope = Scope(problem.old, is_open, moving & is_single)
    return moves_within(problem, lowered, scope, how[0], _EXACT_LIMIT * how[1], seed)
