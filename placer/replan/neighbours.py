"""Single changes of an assignment, and which of them takes most off the ranks that are too full, per copy moved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from placer.replan.assignment import Floats, Held, Problem

#: A placement: rank and expert.
Spot = tuple[int, int]
#: Overfull ranks that are looked at, fullest first.
_LOOKED_AT = 8
#: What a change that moves nothing is taken to cost, in moves.
_EPSILON = 0.1


@dataclass(frozen=True)
class Change:
    """Placements that go and come, and what that is worth: excess saved over moves paid."""

    worth: float
    drops: tuple[Spot, ...]
    adds: tuple[Spot, ...]


@dataclass(frozen=True)
class View:
    """An assignment with everything the neighbourhoods ask of it; excess is squared load above the target.

    Attributes
    ----------
    problem, held
        The layer and what its ranks hold, ndarray of bool, shape (ranks, experts).
    target
        Load no rank should exceed.
    """

    problem: Problem
    held: Held
    target: float

    @cached_property
    def copies(self) -> Floats:
        """Copies of every expert; at least one each. Shape (experts,)."""
        return np.asarray(self.held.sum(axis=0), dtype=np.float64)

    @cached_property
    def share(self) -> Floats:
        """Load of a copy, shape (experts,)."""
        return np.asarray(self.problem.loads / self.copies)

    @cached_property
    def load(self) -> Floats:
        """Load of every rank, shape (ranks,)."""
        return np.asarray(self.held @ self.share)

    @cached_property
    def excess(self) -> float:
        """Sum of squared excess."""
        return float(self.excess_of(self.load))

    def excess_of(self, load: Floats) -> Floats:
        """Return the excess of loads, shape (..., ranks), summed over ranks."""
        return np.asarray((np.maximum(load - self.target, 0.0) ** 2).sum(axis=-1))

    @cached_property
    def sources(self) -> tuple[NDIndex, NDIndex]:
        """Rank and expert of every placement on the fullest of the overfull ranks."""
        order = np.argsort(-self.load, kind="stable")[:_LOOKED_AT]
        looked_at = np.zeros(len(self.held), dtype=np.bool_)
        looked_at[order[self.load[order] > self.target]] = True
        ranks, experts = np.nonzero(self.held & looked_at[:, None])
        return ranks, experts

    @cached_property
    def rooms(self) -> tuple[NDIndex, NDIndex, Floats]:
        """Where a copy can go: ranks, the redundant copy that goes for it (-1: none), and loads after it went.

        Shapes (rooms,), (rooms,) and (rooms, ranks).
        """
        ranks, experts = np.nonzero(self.held & (self.copies > 1)[None, :])
        rest = self.problem.loads[experts] / (self.copies[experts] - 1.0)
        after = self.load[None, :] + self.held[:, experts].T * (rest - self.share[experts])[:, None]
        after[np.arange(len(ranks)), ranks] = self.load[ranks] - self.share[experts]
        free = np.flatnonzero(self.held.sum(axis=1) < self.problem.slots)
        return (
            np.concatenate([ranks, free]),
            np.concatenate([experts, np.full(len(free), -1)]),
            np.concatenate([after, np.repeat(self.load[None, :], len(free), axis=0)]),
        )

    def paid(self, adds: tuple[NDIndex, NDIndex], drops: tuple[NDIndex, NDIndex] | None) -> Floats:
        """Return what placements that come and go cost in moves; undoing an older move pays it back."""
        old = self.problem.old
        cost = (~old[adds]).astype(np.float64)
        if drops is not None:
            gone = np.where(drops[1] >= 0, ~old[drops[0], drops[1]], 0.0)
            cost = cost - gone
        return np.asarray(np.maximum(cost, 0.0) + _EPSILON)


NDIndex = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def best_change(view: View) -> Change | None:
    """Return the change of most worth, or None where none saves excess."""
    found = [change for change in (_copy(view), _relocate(view), _swap(view), _drop(view)) if change is not None]
    best = max(found, key=lambda change: change.worth, default=None)
    return best if best is not None and best.worth > 1e-12 * view.target**2 else None


def _spots(rank: int, evicted: int) -> tuple[Spot, ...]:
    return ((rank, evicted),) if evicted >= 0 else ()


def _copy(view: View) -> Change | None:
    """One more copy of an expert of an overfull rank, in a free slot or for a redundant copy."""
    ranks, evicted, after = view.rooms
    experts = np.unique(view.sources[1])
    if not len(ranks) or not len(experts):
        return None
    new_share = view.problem.loads[experts] / (view.copies[experts] + 1.0)
    less = view.held[:, experts].T * (new_share - view.share[experts])[:, None]
    load = after[:, None, :] + less[None, :, :]
    load[np.arange(len(ranks)), :, ranks] += new_share[None, :]
    saved = view.excess - view.excess_of(load)
    bad = view.held[ranks][:, experts] | (evicted[:, None] == experts[None, :])
    bad |= (view.copies[experts] >= view.problem.most_copies)[None, :]
    room, which = np.broadcast_arrays(np.arange(len(ranks))[:, None], experts[None, :])
    cost = view.paid((ranks[room], which), (ranks[room], evicted[room]))
    worth = np.where(bad, -np.inf, saved / cost)
    at = np.unravel_index(int(worth.argmax()), worth.shape)
    rank = int(ranks[at[0]])
    return Change(float(worth[at]), _spots(rank, int(evicted[at[0]])), ((rank, int(experts[at[1]])),))


def _relocate(view: View) -> Change | None:
    """A copy goes from an overfull rank to another, in a free slot or for a redundant copy."""
    ranks, evicted, after = view.rooms
    sources, experts = view.sources
    if not len(ranks) or not len(experts):
        return None
    load = np.repeat(after[:, None, :], len(experts), axis=1)
    share = view.share[experts]
    load[:, np.arange(len(experts)), sources] -= share[None, :]
    load[np.arange(len(ranks)), :, ranks] += share[None, :]
    saved = view.excess - view.excess_of(load)
    bad = view.held[ranks][:, experts] | (evicted[:, None] == experts[None, :])
    room, which = np.broadcast_arrays(np.arange(len(ranks))[:, None], np.arange(len(experts))[None, :])
    cost = view.paid((ranks[room], experts[which]), (ranks[room], evicted[room]))
    worth = np.where(bad, -np.inf, saved / cost)
    at = np.unravel_index(int(worth.argmax()), worth.shape)
    rank, expert = int(ranks[at[0]]), int(experts[at[1]])
    drops = (*_spots(rank, int(evicted[at[0]])), (int(sources[at[1]]), expert))
    return Change(float(worth[at]), drops, ((rank, expert),))


def _swap(view: View) -> Change | None:
    """Two copies change places."""
    sources, experts = view.sources
    ranks, others = np.nonzero(view.held)
    if not len(experts):
        return None
    less = view.share[experts][:, None] - view.share[others][None, :]
    over = np.maximum(view.load - view.target, 0.0) ** 2
    before = over[sources][:, None] + over[ranks][None, :]
    here = np.maximum(view.load[sources][:, None] - less - view.target, 0.0) ** 2
    there = np.maximum(view.load[ranks][None, :] + less - view.target, 0.0) ** 2
    bad = (sources[:, None] == ranks[None, :]) | view.held[ranks][:, experts].T | view.held[sources][:, others]
    old = view.problem.old
    cost = (~old[ranks][:, experts].T).astype(np.float64) + (~old[sources][:, others])
    cost -= (~old[sources, experts])[:, None].astype(np.float64) + (~old[ranks, others])[None, :]
    worth = np.where(bad, -np.inf, (before - here - there) / (np.maximum(cost, 0.0) + _EPSILON))
    at = np.unravel_index(int(worth.argmax()), worth.shape)
    spot = (int(sources[at[0]]), int(experts[at[0]]))
    other = (int(ranks[at[1]]), int(others[at[1]]))
    return Change(float(worth[at]), (spot, other), ((other[0], spot[1]), (spot[0], other[1])))


def _drop(view: View) -> Change | None:
    """A redundant copy goes; nothing comes."""
    ranks, evicted, after = view.rooms
    real = np.flatnonzero(evicted >= 0)
    if not len(real):
        return None
    worth = (view.excess - view.excess_of(after[real])) / _EPSILON
    at = real[int(worth.argmax())]
    return Change(float(worth.max()), ((int(ranks[at]), int(evicted[at])),), ())
