"""Moves in an order that can be carried out: no expert is ever without a copy, no rank beyond its slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from placer.errors import InternalError


class Action(StrEnum):
    """What a step does.

    ``copy`` brings an expert into a slot, from a rank or from storage; ``evict`` gives a slot up. Where ranks wait for
    each other's slots, ``stage`` brings an expert into a buffer beside the slots, and ``settle`` from there into one.
    """

    COPY = "copy"
    EVICT = "evict"
    STAGE = "stage"
    SETTLE = "settle"


class Relief(StrEnum):
    """What breaks a circle of ranks that wait for each other's slots.

    ``buffer``: room for an expert beside the slots. ``free-slot``: a detour through a free slot of any rank, if there
    is one, else a buffer.
    """

    BUFFER = "buffer"
    FREE_SLOT = "free-slot"


@dataclass(frozen=True)
class Step:
    """One step of a layer; ``source`` is the rank a copy comes from, None for storage and for what is local."""

    action: Action
    expert: int
    rank: int
    source: int | None = None


@dataclass
class _State:
    """What lies where while steps are put in order."""

    slots: int
    domains: Sequence[int]
    held: list[set[int]]
    staged: list[set[int]]
    wanted: list[set[int]]
    unwanted: list[set[int]]
    steps: list[Step] = field(default_factory=list)
    sent: Counter[int] = field(default_factory=Counter)
    arrived: set[tuple[int, int]] = field(default_factory=set)

    def copies(self, expert: int) -> int:
        return sum(expert in held for held in self.held) + sum(expert in staged for staged in self.staged)

    def source(self, expert: int, rank: int) -> int | None:
        """Return the rank to copy from: in the same domain if there is one, the one that sent least so far.

        A copy that has to arrive first counts as one more that was sent.
        """
        holders = [other for other, held in enumerate(self.held) if expert in held]
        holders += [other for other, staged in enumerate(self.staged) if expert in staged]
        if not holders:
            return None
        best = min(
            holders,
            key=lambda at: (
                self.domains[at] != self.domains[rank],
                self.sent[at] + ((at, expert) in self.arrived),
                at,
            ),
        )
        self.sent[best] += 1
        return best

    def evict(self, expert: int, rank: int) -> None:
        self.held[rank].discard(expert)
        self.unwanted[rank].discard(expert)
        self.steps.append(Step(Action.EVICT, expert, rank))

    def copy(self, expert: int, rank: int) -> None:
        self.steps.append(Step(Action.COPY, expert, rank, self.source(expert, rank)))
        self.held[rank].add(expert)
        self.arrived.add((rank, expert))
        self.wanted[rank].discard(expert)

    def has_room(self, rank: int) -> bool:
        """Make room for one more, by evicting what another rank has as well; say if there is room."""
        if len(self.held[rank]) < self.slots:
            return True
        spare = [expert for expert in sorted(self.unwanted[rank]) if self.copies(expert) > 1]
        if spare:
            self.evict(spare[0], rank)
        return bool(spare)


def order_moves(
    old: Sequence[Sequence[int]],
    new: Sequence[Sequence[int]],
    slots: int,
    *,
    domains: Sequence[int] | None = None,
    relief: Relief = Relief.BUFFER,
) -> tuple[Step, ...]:
    """Return the steps from an old assignment to a new one.

    Parameters
    ----------
    old, new
        Experts of every rank that is alive, before and after.
    slots
        Experts a rank has room for.
    domains
        Scale-up domain of every rank: copies come from the same one where they can. None: one domain.
    relief
        What breaks circles.

    Examples
    --------
    Two full ranks change places; the first copy waits in a buffer:

    >>> [(str(step.action), step.expert, step.rank) for step in order_moves([[0], [1]], [[1], [0]], 1)]
    [('stage', 1, 0), ('evict', 1, 1), ('copy', 0, 1), ('evict', 0, 0), ('settle', 1, 0)]
    """
    before, after = [set(rank) for rank in old], [set(rank) for rank in new]
    state = _State(
        slots=slots,
        domains=domains or [0] * len(before),
        held=before,
        staged=[set() for _ in before],
        wanted=[there - here for here, there in zip(before, after, strict=True)],
        unwanted=[here - there for here, there in zip(before, after, strict=True)],
    )
    while any(state.wanted) or any(state.staged):
        if not _advance(state):
            _break_circle(state, relief)
    for rank, experts in enumerate(state.unwanted):
        for expert in sorted(experts):
            state.evict(expert, rank)
    return tuple(state.steps)


def _advance(state: _State) -> bool:
    """Do what can be done; say if there was anything."""
    before = len(state.steps)
    for rank in range(len(state.held)):
        for expert in sorted(state.staged[rank]):
            if state.has_room(rank):
                state.staged[rank].discard(expert)
                state.held[rank].add(expert)
                state.steps.append(Step(Action.SETTLE, expert, rank))
        # What others wait to give up comes first: its arrival frees their slots.
        waiting = sorted(state.wanted[rank], key=lambda expert: (not _is_awaited(state, expert), expert))
        for expert in waiting:
            if state.has_room(rank):
                state.copy(expert, rank)
    return len(state.steps) > before


def _is_awaited(state: _State, expert: int) -> bool:
    return any(expert in unwanted for unwanted in state.unwanted)


def _break_circle(state: _State, relief: Relief) -> None:
    """Give a last copy that blocks a slot a second place, outside the slots that are waited for."""
    for rank, wanted in enumerate(state.wanted):
        for expert in sorted(wanted):
            if _is_awaited(state, expert):
                aside = _free_rank(state, expert) if relief is Relief.FREE_SLOT else None
                if aside is not None:
                    state.steps.append(Step(Action.COPY, expert, aside, state.source(expert, aside)))
                    state.held[aside].add(expert)
                    state.unwanted[aside].add(expert)
                else:
                    state.steps.append(Step(Action.STAGE, expert, rank, state.source(expert, rank)))
                    state.staged[rank].add(expert)
                    wanted.discard(expert)
                return
    raise InternalError("ranks wait for slots that nobody gives up")


def _free_rank(state: _State, expert: int) -> int | None:
    """Return a rank with a free slot, that does not hold an expert, if there is one."""
    for rank, held in enumerate(state.held):
        if len(held) < state.slots and expert not in held and expert not in state.wanted[rank]:
            return rank
    return None


def most_staged(steps: Sequence[Step]) -> int:
    """Return the most experts that lie in buffers of one rank at once."""
    most, now = 0, Counter[int]()
    for step in steps:
        now[step.rank] += (step.action is Action.STAGE) - (step.action is Action.SETTLE)
        most = max(most, now[step.rank])
    return most
