"""The discrete-event engine: the microbatches of one replica on SimPy's clock.

Every resource serves one microbatch at a time and is never idle while one waits. Among those that wait the one whose
step began first goes first: a stage is then filled by its oldest microbatch, and others use what it leaves. (First come
first served would let all microbatches crawl through one stage together, while the next stage idles.)
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from dataclasses import dataclass

import simpy

from placer.simulate.program import ARRIVE, BETWEEN, HOLD, NUM_SLOTS, Kind, Program

Events = Generator[simpy.Event, object, None]
#: Ticks of every instruction and slot, by microbatch and step.
Durations = Callable[[int, int], list[int]]
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

    def __init__(
        self, program: Program, in_flight: int, durations: Durations, *, traced: range = range(0)
    ) -> None:
        self._code = [(int(one.kind), one.resource, one.target, one.end) for one in program.instructions]
        self._durations, self._traced = durations, traced
        self._env = simpy.Environment()
        self._queues = [_Queue(self._env) for _ in program.resources]
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
        priority = self._began[who[0]], who[0]
        index, last = span
        while index < last:
            kind, resource, target, end = code[index]
            cell = index * NUM_SLOTS
            if kind == Kind.VISIT:
                if (turn := queues[resource].turn(priority)) is not None:
                    yield turn
                yield self._hold(resource, ticks[cell], index, who)
            elif kind == Kind.WAIT:
                yield env.timeout(ticks[cell])
            elif kind == Kind.SEND:
                out, into = ticks[cell + HOLD], ticks[cell + ARRIVE]
                if (turn := queues[resource].turn(priority)) is not None:
                    yield turn
                self._hold(resource, out, index, who)
                yield env.timeout(out - min(out, into) + ticks[cell + BETWEEN])
                if (turn := queues[target].turn(priority)) is not None:
                    yield turn
                yield self._hold(target, into, index, who)
            elif kind == Kind.FORK:
                branch = env.process(self._walk((index + 1, end), ticks, who, marks))
                index = end
                continue
            else:
                yield branch
            marks.append(env.now)
            index += 1

    def _hold(self, resource: int, ticks: int, instruction: int, who: tuple[int, int]) -> simpy.Event:
        """Hold a resource whose turn it is, and return the event of letting it go."""
        if who[1] in self._traced:
            self.stays.append(Stay(resource, instruction, *who, self.now, ticks))
        return self._queues[resource].hold(ticks)


class _Queue:
    """A resource, and the microbatches that wait for it."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._waiting: list[tuple[Priority, int, simpy.Event]] = []
        self._is_taken, self._arrivals = False, 0
        self.held, self.free_at = 0, 0

    def turn(self, priority: Priority) -> simpy.Event | None:
        """Return the event of a microbatch's turn; None where it is its turn at once."""
        if not self._is_taken:
            self._is_taken = True
            return None
        self._arrivals += 1
        turn = self._env.event()
        heapq.heappush(self._waiting, (priority, self._arrivals, turn))
        return turn

    def hold(self, ticks: int) -> simpy.Event:
        """Hold the resource for some ticks, then pass it on."""
        self.held += ticks
        self.free_at = self._env.now + ticks
        end = self._env.timeout(ticks)
        end.callbacks.append(self._pass_on)
        return end

    def _pass_on(self, _: simpy.Event) -> None:
        if self._waiting:
            heapq.heappop(self._waiting)[2].succeed()
        else:
            self._is_taken = False
