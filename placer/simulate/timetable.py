"""Timetables: every microbatch does the same at the same times, a fraction of a step after the one before it.

All microbatches are alike, so a replica can run like a line of trains: microbatch ``n`` starts ``n * d`` after the
first and follows one timetable; after ``m * d`` it begins its next step. That works if every resource's visits of one
microbatch, taken modulo the headway ``d``, do not overlap (modulo scheduling, as compilers do it to loops), and if the
timetable ends before ``m * d``. Visits are put into the earliest gap in their order; the headway grows from the law's
until that succeeds.

What a run follows is only the order in which a resource serves visits. With fixed orders an early visit never delays
another, and the step is never longer than the timetable's.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass

from placer.simulate.program import ARRIVE, BETWEEN, HOLD, NUM_SLOTS, TICKS_PER_S, Kind, Program

#: Headways tried, as multiples of the law's, until one can be kept.
STRETCHES = (1.0, 1.0001, 1.002, 1.005, 1.01, 1.02, 1.03, 1.045, 1.06, 1.08, 1.1, 1.13, 1.16, 1.2, 1.25, 1.3, 1.4, 1.5)

#: A visit: an instruction, and whether it is the arrival of a message.
Visit = tuple[int, bool]


@dataclass(frozen=True)
class Timetable:
    """Orders of service.

    Attributes
    ----------
    headway
        Ticks from one microbatch to the next.
    sequence
        By resource: its visits in the order of their times within a headway, each with the number of headways it
        comes after its microbatch set out.
    """

    headway: int
    sequence: tuple[tuple[tuple[Visit, int], ...], ...]


def find_timetable(program: Program, in_flight: int) -> Timetable | None:
    """Return a timetable of a short headway; None if none is found."""
    ticks = program.durations()
    law = program.law_s(in_flight) * TICKS_PER_S / in_flight
    busiest = max(_held(program, ticks), default=0)
    for stretch in STRETCHES:
        headway = max(int(law * stretch) + 1, busiest)
        planner = _Planner(program, ticks, headway)
        if planner.fits(in_flight * headway):
            return planner.timetable()
    return None


def _held(program: Program, ticks: list[int]) -> list[int]:
    """Return for how many ticks one microbatch holds every resource."""
    held = [0] * len(program.resources)
    for index, one in enumerate(program.instructions):
        if one.kind in {Kind.VISIT, Kind.SEND}:
            held[one.resource] += ticks[index * NUM_SLOTS + HOLD]
        if one.kind is Kind.SEND:
            held[one.target] += ticks[index * NUM_SLOTS + ARRIVE]
    return held


class _Planner:
    """Puts visits into gaps, for one headway."""

    def __init__(self, program: Program, ticks: list[int], headway: int) -> None:
        self._program, self._ticks, self._headway = program, ticks, headway
        self._taken: list[list[tuple[int, int]]] = [[] for _ in program.resources]
        self._starts: list[list[tuple[int, Visit]]] = [[] for _ in program.resources]

    def fits(self, step: int) -> bool:
        """Place everything; return whether it ends in time."""
        end = self._place(0, len(self._program.instructions), 0, step)
        return end is not None and end <= step

    def timetable(self) -> Timetable:
        """Return the orders of what was placed."""
        sequences = []
        for starts in self._starts:
            within = sorted((start % self._headway, start // self._headway, visit) for start, visit in starts)
            sequences.append(tuple((visit, late) for _, late, visit in within))
        return Timetable(self._headway, tuple(sequences))

    def _place(self, first: int, last: int, at: int, step: int) -> int | None:
        index, joined = first, at
        now: int | None = at
        while index < last and now is not None and now <= step:
            one, cell = self._program.instructions[index], index * NUM_SLOTS
            if one.kind is Kind.VISIT:
                now = self._visit(one.resource, self._ticks[cell], now, (index, False))
            elif one.kind is Kind.WAIT:
                now += self._ticks[cell]
            elif one.kind is Kind.SEND:
                now = self._send(index, now)
            elif one.kind is Kind.FORK:
                side = self._place(index + 1, one.end, now, step)
                if side is None:
                    return None
                joined, index = side, one.end
                continue
            elif one.kind is Kind.JOIN:
                now = max(now, joined)
            index += 1
        return now

    def _send(self, index: int, now: int) -> int | None:
        one, cell = self._program.instructions[index], index * NUM_SLOTS
        out, into = self._ticks[cell + HOLD], self._ticks[cell + ARRIVE]
        left = self._visit(one.resource, out, now, (index, False))
        if left is None:
            return None
        return self._visit(one.target, into, left - min(out, into) + self._ticks[cell + BETWEEN], (index, True))

    def _visit(self, resource: int, ticks: int, earliest: int, visit: Visit) -> int | None:
        """Take the earliest gap of a resource, and return when the visit ends; None without a gap."""
        start = self._gap(self._taken[resource], ticks, earliest)
        if start is None:
            return None
        self._starts[resource].append((start, visit))
        begin, headway = start % self._headway, self._headway
        if ticks:
            if begin + ticks <= headway:
                insort(self._taken[resource], (begin, begin + ticks))
            else:
                insort(self._taken[resource], (begin, headway))
                insort(self._taken[resource], (0, begin + ticks - headway))
        return start + ticks

    def _gap(self, taken: list[tuple[int, int]], ticks: int, earliest: int) -> int | None:
        headway = self._headway
        if not ticks or not taken:
            return earliest if ticks <= headway else None
        at = earliest % headway
        base = earliest - at
        index = bisect_right(taken, (at, headway)) - 1
        if index >= 0:
            at = max(at, taken[index][1])
        size = len(taken)
        for turn in range(size + 1):
            following = index + 1 + turn
            lap, place = divmod(following, size)
            begin = taken[place][0] + lap * headway
            if at + ticks <= begin:
                return base + at
            at = max(at, taken[place][1] + lap * headway)
        return None
