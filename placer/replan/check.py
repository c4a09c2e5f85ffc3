"""Replaying steps with code of its own: what is wrong with an order, if anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from placer.replan.order import Action, Step

#: Where an expert lies: rank, expert, and whether in a slot.
_Place = tuple[int, int, bool]


def check_order(
    old: Sequence[Sequence[int]], new: Sequence[Sequence[int]], slots: int, steps: Sequence[Step]
) -> tuple[str, ...]:
    """Return what is wrong with steps that are to lead from an old assignment to a new one; nothing if they do.

    Checked after every step: what had a copy still has one; no rank holds more than its slots; copies come from where
    there is one, and from storage only where there is none; only what is there is evicted or settled. At the end every
    rank holds exactly what the new assignment says, and no buffer anything.

    Parameters
    ----------
    old, new
        Experts of every rank that is alive, before and after.
    slots
        Experts a rank has room for.
    steps
        In order.
    """
    return tuple(_findings(old, new, slots, steps))


def _findings(
    old: Sequence[Sequence[int]], new: Sequence[Sequence[int]], slots: int, steps: Sequence[Step]
) -> Iterator[str]:
    places: set[_Place] = {(rank, expert, True) for rank, experts in enumerate(old) for expert in experts}
    owed = {expert for _, expert, _ in places}
    for number, step in enumerate(steps):
        where = f"step {number}, {step.action} of expert {step.expert} on rank {step.rank}"
        for message in _done(places, step):
            yield f"{where}: {message}"
        owed |= {expert for _, expert, _ in places}
        for expert in owed - {expert for _, expert, _ in places}:
            yield f"{where}: drops the last copy of expert {expert}"
        if sum(rank == step.rank and in_slot for rank, _, in_slot in places) > slots:
            yield f"{where}: rank {step.rank} holds more than {slots}"
    wanted = {(rank, expert, True) for rank, experts in enumerate(new) for expert in experts}
    for rank, expert, in_slot in sorted(places ^ wanted):
        place = "in a slot" if in_slot else "in a buffer"
        yield f"at the end: expert {expert} {place} of rank {rank} is {'missing' if in_slot else 'left over'}"


def _done(places: set[_Place], step: Step) -> Iterator[str]:
    """Carry a step out; yield what it should not have done."""
    slot, buffer = (step.rank, step.expert, True), (step.rank, step.expert, False)
    if step.action in {Action.COPY, Action.STAGE}:
        holders = {rank for rank, expert, _ in places if expert == step.expert}
        if slot in places:
            yield "is there already"
        if step.source is None and holders:
            yield f"comes from storage, though rank {min(holders)} has it"
        if step.source is not None and step.source not in holders:
            yield f"comes from rank {step.source}, which does not have it"
        places.add(slot if step.action is Action.COPY else buffer)
    elif step.action is Action.EVICT:
        if slot not in places:
            yield "is not there"
        places.discard(slot)
    else:
        if buffer not in places:
            yield "is in no buffer"
        places.discard(buffer)
        places.add(slot)
