"""The discrete-event engine: the microbatches of one replica on SimPy's clock.

Every resource serves one microbatch at a time and is never idle while one waits for it; the schedule says which goes
first, and how many a stage takes in. First come first served without a window, all microbatches crawl through one
stage together while the next one idles; a plan names the schedule that suits it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import simpy

from placer.errors import InputError
from placer.plan.schedule import Order, Schedule
from placer.simulate.program import ARRIVE, BETWEEN, HOLD, NUM_SLOTS, Kind, Program
from placer.simulate.timetable import find_timetable

Events = Generator[simpy.Event, object, None]
#: Ticks of every instruction and slot, by microbatch and step.
Durations = Callable[[int, int], list[int]]
#: How many steps of microbatches began before, the instruction, and whether it is the arrival of a message.
Visit = tuple[int, int, bool]
#: When the step of a microbatch began, and its number.
Priority = tuple[int, int]


@dataclass(frozen=True)
class Stay:
    """A resource held by an instruction of a microbatch, in ticks."""

    resource: int
    instruction: int
    microbatch: int
    step: int
    start: int
    ticks: int
    is_arrival: bool = False


@dataclass(frozen=True)
class Load:
    """How many microbatches are in flight, and how they share the replica."""

    in_flight: int
    schedule: Schedule = field(default_factory=Schedule)


class Simulation:
    """One replica, run until the caller has seen enough.

    Attributes
    ----------
    ends
        By microbatch: the ticks at which its steps ended.
    shapes
        By microbatch: a fingerprint of every step, of the ticks at which it went on, counted from its start.
    stays
        Everything held in the traced steps.
    """

    def __init__(self, program: Program, load: Load, durations: Durations, *, traced: range = range(0)) -> None:
        in_flight, schedule = load.in_flight, load.schedule
        self._code = [(int(one.kind), one.resource, one.target, one.end) for one in program.instructions]
        self._durations, self._traced = durations, traced
        self._env = simpy.Environment()
        self._queues = _queues(self._env, program, load)
        self._gates = [_Queue(self._env, schedule.window or in_flight) for _ in range(program.num_gates)]
        self._is_oldest_first = schedule.order is Order.OLDEST
        self._enough = self._env.event()
        self.ends: list[list[int]] = [[] for _ in range(in_flight)]
        self.shapes: list[list[int]] = [[] for _ in range(in_flight)]
        self.stays: list[Stay] = []
        self._began = [0] * in_flight

    def run(self, is_enough: Callable[[Simulation], bool]) -> None:
        """Run; ``is_enough`` is asked whenever every microbatch has done one more step."""
        for microbatch in range(len(self.ends)):
            self._env.process(self._microbatch(microbatch, is_enough))
        self._env.run(until=self._enough)

    @property
    def num_steps(self) -> int:
        """Steps every microbatch has done."""
        return min(len(ends) for ends in self.ends)

    @property
    def now(self) -> int:
        """The clock."""
        return int(self._env.now)

    def held(self) -> list[int]:
        """Return for how many ticks every resource has been held until now."""
        return [queue.held - max(0, queue.free_at - self.now) for queue in self._queues]

    def _microbatch(self, microbatch: int, is_enough: Callable[[Simulation], bool]) -> Events:
        ends, step = self.ends[microbatch], 0
        while not self._enough.triggered:
            start, marks = self.now, list[int]()
            self._began[microbatch] = start
            ticks = self._durations(microbatch, step)
            yield from self._walk((0, len(self._code)), ticks, (microbatch, step), marks)
            before = self.num_steps
            self.shapes[microbatch].append(hash(tuple([mark - start for mark in marks])))
            ends.append(self.now)
            step += 1
            if self.num_steps > before and not self._enough.triggered and is_enough(self):
                self._enough.succeed()

    def _walk(self, span: tuple[int, int], ticks: list[int], who: tuple[int, int], marks: list[int]) -> Events:
        """Go through the instructions of a span."""
        env, code, queues, branch = self._env, self._code, self._queues, self._enough
        priority = (self._began[who[0]], who[0]) if self._is_oldest_first else (0, 0)
        index, last = span
        number = who[0] + who[1] * len(self.ends)
        while index < last:
            kind, resource, _, end = code[index]
            if kind == Kind.VISIT:
                if (turn := queues[resource].turn(priority, (number, index, False))) is not None:
                    yield turn
                yield self._hold(resource, ticks[index * NUM_SLOTS], (index, False), who)
            elif kind == Kind.WAIT:
                yield env.timeout(ticks[index * NUM_SLOTS])
            elif kind == Kind.SEND:
                yield from self._send(index, ticks, who, (number, priority))
            elif kind == Kind.FORK:
                branch = env.process(self._walk((index + 1, end), ticks, who, marks))
                index = end
                continue
            elif kind == Kind.JOIN:
                yield branch
            else:
                yield from self._pass_gate(kind, resource, priority)
            marks.append(self.now)
            index += 1

    def _send(self, index: int, ticks: list[int], who: tuple[int, int], place: tuple[int, Priority]) -> Events:
        """Hold the port a message leaves from, then the one it arrives at, which may begin before the first is done."""
        _, source, target, _ = self._code[index]
        out, into, between = (ticks[index * NUM_SLOTS + slot] for slot in (HOLD, ARRIVE, BETWEEN))
        number, priority = place
        if (turn := self._queues[source].turn(priority, (number, index, False))) is not None:
            yield turn
        self._hold(source, out, (index, False), who)
        yield self._env.timeout(out - min(out, into) + between)
        if (turn := self._queues[target].turn(priority, (number, index, True))) is not None:
            yield turn
        yield self._hold(target, into, (index, True), who)

    def _pass_gate(self, kind: int, gate: int, priority: Priority) -> Events:
        if kind == Kind.LEAVE:
            self._gates[gate].pass_on()
        elif (turn := self._gates[gate].turn(priority, (0, 0, False))) is not None:
            yield turn

    def _hold(self, resource: int, ticks: int, visit: tuple[int, bool], who: tuple[int, int]) -> simpy.Event:
        """Hold a resource whose turn it is, and return the event of letting it go."""
        if who[1] in self._traced:
            self.stays.append(Stay(resource, visit[0], *who, self.now, ticks, visit[1]))
        return self._queues[resource].hold(ticks)


class _Queue:
    """A resource or gate with room for some microbatches, and those that wait for it."""

    def __init__(self, env: simpy.Environment, room: int) -> None:
        self._env = env
        self._waiting: list[tuple[Priority, int, simpy.Event]] = []
        self._room, self._arrivals = room, 0
        self.held, self.free_at = 0, 0

    def turn(self, priority: Priority, visit: Visit) -> simpy.Event | None:
        """Return the event of a microbatch's turn; None where it is its turn at once."""
        del visit
        if self._room:
            self._room -= 1
            return None
        self._arrivals += 1
        turn = self._env.event()
        heapq.heappush(self._waiting, (priority, self._arrivals, turn))
        return turn

    def hold(self, ticks: int) -> simpy.Event:
        """Hold the resource for some ticks, then pass it on."""
        self.held += ticks
        self.free_at = int(self._env.now) + ticks
        end = self._env.timeout(ticks)
        end.callbacks.append(self.pass_on)
        return end

    def pass_on(self, _: simpy.Event | None = None) -> None:
        """Let the next one in."""
        if self._waiting:
            heapq.heappop(self._waiting)[2].succeed()
        else:
            self._room += 1


class _Timed(_Queue):
    """A resource that serves its visits in the order of a timetable."""

    def __init__(self, env: simpy.Environment, sequence: Sequence[tuple[tuple[int, bool], int]]) -> None:
        super().__init__(env, 1)
        self._sequence, self._place, self._headway = sequence, 0, 0
        self._early: dict[Visit, simpy.Event] = {}

    def turn(self, priority: Priority, visit: Visit) -> simpy.Event | None:
        """Return the event of a visit's turn; None where it is its turn at once."""
        del priority
        if self._room and visit == self._next():
            self._room = 0
            return None
        self._early[visit] = turn = self._env.event()
        return turn

    def _next(self) -> Visit:
        """Return the visit that is to come; the first headways lack those of microbatches that never were."""
        while True:
            (instruction, is_arrival), late = self._sequence[self._place]
            if self._headway >= late:
                return self._headway - late, instruction, is_arrival
            self._advance()

    def _advance(self) -> None:
        self._place += 1
        if self._place == len(self._sequence):
            self._place, self._headway = 0, self._headway + 1

    def pass_on(self, _: simpy.Event | None = None) -> None:
        """Let the next one in, once it is there."""
        self._advance()
        turn = self._early.pop(self._next(), None)
        self._room = 1 if turn is None else 0
        if turn is not None:
            turn.succeed()


def _queues(env: simpy.Environment, program: Program, load: Load) -> Sequence[_Queue]:
    if load.schedule.order is not Order.TIMETABLE:
        return [_Queue(env, 1) for _ in program.resources]
    timetable = find_timetable(program, load.in_flight)
    if timetable is None:
        raise InputError("expected oldest or arrival: these microbatches have no timetable", where="schedule.order")
    return [_Timed(env, sequence) for sequence in timetable.sequence]
