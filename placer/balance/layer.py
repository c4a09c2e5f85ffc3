"""One layer: start from EPLB, improve, prove."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from placer.balance.bound import load_bound
from placer.balance.eplb import eplb, pack_replicas, replicate
from placer.balance.even import SINGLE_SWAPS_DO, even_out
from placer.balance.exact import all_options, improve_ranks, place
from placer.balance.pairs import best_pairs
from placer.balance.patterns import pattern_bound
from placer.balance.replicas import exchange_replicas
from placer.balance.result import LayerBalance, met, rank_loads
from placer.balance.state import Ranks
from placer.errors import InputError

Loads = NDArray[np.float64]
Slots = NDArray[np.int64]

#: Gap at which the search is content.
CONTENT = 1e-4
#: Gap from which the linear program and CP-SAT are asked: they take a second where the search takes milliseconds.
WORTH_PROVING = 5e-4
_PAIRS = 2_000
_TRIES = 100
#: With few slots a rank a try is cheap and the counts matter most: at most so many, fewer for very many ranks.
_TRIES_OF_FEW_SLOTS, _TRIES_TIMES_RANKS = 2_400, 150_000
#: CP-SAT's deterministic seconds; integer variables of a layer that is solved whole; ranks solved at a time.
_LIMIT_S, _WHOLE, _SUBPROBLEMS = 0.2, 600, 4


def balance_layer(loads: Loads, ranks: int, slots: int, *, seed: int = 0, work: float = 1.0) -> LayerBalance:
    """Place and replicate the experts of a layer so that the fullest rank carries as little as can be.

    Never worse than EPLB's global policy. The same arguments give the same placement on every machine.

    Parameters
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert; an expert's are split evenly over its replicas.
    ranks, slots
        Ranks, and slots on all of them: as many on each, and at least as many as experts.
    seed
        Of the random choices.
    work
        How long to search, relative to the default.

    Raises
    ------
    InputError
        Naming the argument that is wrong.

    Examples
    --------
    >>> found = balance_layer(np.array([8.0, 3.0, 2.0, 1.0]), 2, 4)
    >>> found.max_load, found.bound, found.physical_to_logical
    (9.0, 9.0, (0, 3, 1, 2))
    """
    loads = checked_loads(loads)
    check_slots(len(loads), ranks, slots)
    bound = load_bound(loads, ranks, slots)
    best = improved(loads, ranks, slots, bound * (1 + CONTENT), np.random.default_rng(seed), work)
    if slots == 2 * ranks and _is_open(best, bound, CONTENT) and (optimum := best_pairs(best)):
        best, bound = optimum, optimum.max_load
    if _is_open(best, bound, WORTH_PROVING):
        bound = max(bound, pattern_bound(loads, ranks, slots, bound, best.max_load))
    if _is_open(best, bound, WORTH_PROVING):
        best, bound = solved(best, bound, limit_s=_LIMIT_S * work, seed=seed)
    return _result(loads, ranks, best.experts, bound)


def solved(state: Ranks, bound: float, *, limit_s: float, seed: int) -> tuple[Ranks, float]:
    """Return what CP-SAT makes of a placement and a bound: the whole layer where it is small, else a few ranks of it.

    Parameters
    ----------
    state, bound
        The best known; the state is not changed.
    limit_s
        Work limit in CP-SAT's deterministic seconds.
    seed
        Of CP-SAT.
    """
    options = all_options(state)
    if len(options) * len(state.carried) <= _WHOLE:
        found = place(state, options, limit_s=limit_s, seed=seed)
        if found.experts is not None:
            other = Ranks(state.loads, found.experts)
            state = other if other.max_load < state.max_load else state
        return state, max(bound, found.bound)
    state = state.copy()
    for _ in range(_SUBPROBLEMS):
        if not _is_open(state, bound, WORTH_PROVING) or not improve_ranks(
            state, 3, limit_s=limit_s / _SUBPROBLEMS, seed=seed
        ):
            break
    return state, bound


def _is_open(state: Ranks, bound: float, gap: float) -> bool:
    return state.max_load > bound * (1 + gap)


def improved(loads: Loads, ranks: int, slots: int, target: float, random: np.random.Generator, work: float) -> Ranks:
    """Return the best placement found from EPLB's, and from one with no replica twice on a rank."""
    best: Ranks | None = None
    tries = _TRIES
    if slots // ranks <= SINGLE_SWAPS_DO:
        tries = min(_TRIES_OF_FEW_SLOTS, _TRIES_TIMES_RANKS // ranks)
    for start in _starts(loads, ranks, slots):
        state = Ranks(loads, start.reshape(ranks, -1))
        even_out(state, target, random, steps=int(_PAIRS * work))
        state = exchange_replicas(state, target, random, tries=int(tries * work))
        if best is None or state.max_load < best.max_load:
            best = state
        if best.max_load <= target:
            break
    assert best is not None
    return best


def _starts(loads: Loads, ranks: int, slots: int) -> Iterator[Slots]:
    yield eplb(loads, ranks, slots)
    capped = replicate(loads, slots, most=ranks)
    if capped.max() < replicate(loads, slots).max():
        yield pack_replicas(loads, capped, ranks)


def checked_loads(loads: Loads) -> Loads:
    """Return the loads as floats, shape (experts,).

    Raises
    ------
    InputError
        If they are not one row of finite numbers, none negative.
    """
    array = np.asarray(loads, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise InputError(f"expected one row of loads, got shape {array.shape}", where="loads")
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(wrong):
        raise InputError(
            f"expected a finite number, 0 or more, got {float(array[wrong[0]])!r}", where=f"loads[{wrong[0]}]"
        )
    return array


def check_slots(experts: int, ranks: int, slots: int) -> None:
    """Refuse ranks and slots that do not go together.

    Raises
    ------
    InputError
        Naming the argument, and the nearest numbers of slots that work.
    """
    if ranks < 1:
        raise InputError(f"expected 1 or more, got {ranks}", where="ranks")
    if slots < experts or slots % ranks:
        least = -(-max(experts, 1) // ranks) * ranks
        nearest = max(slots // ranks * ranks, least)
        others = f"{nearest} or {nearest + ranks}"
        raise InputError(
            f"expected a multiple of the {ranks} ranks, at least the {experts} experts, such as {others}, got {slots}",
            where="slots",
        )


def _result(loads: Loads, ranks: int, experts: NDArray[np.int64], bound: float) -> LayerBalance:
    slots = np.sort(experts, axis=1).ravel()
    achieved = float(rank_loads(slots, loads, ranks).max())
    bound = met(bound, achieved)
    return LayerBalance(
        max_load=achieved,
        mean_load=float(loads.sum()) / ranks,
        bound=bound,
        relative_gap=1 - bound / achieved if achieved else 0.0,
        physical_to_logical=tuple(slots.tolist()),
    )
