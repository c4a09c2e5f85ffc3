"""Timelines for Perfetto: Chrome's trace event format.

One process per device, one thread per engine and link direction, the microbatch as colour. Devices of a stage act in
lock-step; where one process for each would make the file unwieldy, a stage is one process that names them all.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from placer.simulate.deployment import Deployment
from placer.simulate.engine import Stay
from placer.simulate.noise import Noise
from placer.simulate.program import ARRIVE, HOLD, TICKS_PER_S, Engine, Op, Resource
from placer.simulate.route import Route

#: Names of colours Chrome's format reserves, told apart well; microbatches take them in turn.
COLOURS = (
    "thread_state_running",
    "rail_response",
    "yellow",
    "thread_state_iowait",
    "cq_build_passed",
    "terrible",
    "rail_animation",
    "olive",
    "startup",
    "thread_state_runnable",
    "bad",
    "generic_work",
)
#: Slices a file may have before lock-step devices share a process.
MOST_SLICES = 200_000
#: Whole picoseconds, so that slices that touch never overlap by rounding; the format counts in microseconds.
TICKS_PER_PS, PS_PER_US = TICKS_PER_S // 10**12, 10**6

Event = dict[str, Any]
#: A stage of a group, by the values of its role and its number.
Place = tuple[str, int]


@dataclass(frozen=True)
class Slice:
    """A named stretch of time on a thread, in picoseconds."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Trace:
    """Everything held in a few steps, and the times it was made of."""

    deployment: Deployment
    route: Route
    stays: tuple[Stay, ...]
    noise: Noise | None

    def text(self) -> str:
        """Return the trace as JSON."""
        events = [*self._names(), *self._slices()]
        return json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}, separators=(",", ":")) + "\n"

    def _processes(self) -> list[tuple[Place, str]]:
        """Return stage and name of every process; its number is its place in the list."""
        replica = self.deployment.placement.replicas[0]
        width = {str(group.role): group.width for group in self.deployment.groups}
        pool = {str(group.role): group.pool for group in self.deployment.groups}
        num_slices = sum(width[str(self._resource(stay).role)] for stay in self.stays)
        processes = []
        for role, first_devices in replica.first_device.items():
            for stage, first in enumerate(first_devices):
                last, place = first + width[role] - 1, (str(role), stage)
                if num_slices <= MOST_SLICES:
                    processes += [(place, f"{pool[role]}[{index}]") for index in range(first, last + 1)]
                else:
                    name = f"{pool[role]}[{first}..{last}], {width[role]} devices in lock-step"
                    processes.append((place, name))
        return processes

    def _resource(self, stay: Stay) -> Resource:
        return self.route.program.resources[stay.resource]

    def _names(self) -> Iterator[Event]:
        engines = defaultdict(list)
        for resource in self.route.program.resources:
            engines[str(resource.role), resource.stage].append(resource.engine)
        for pid, (place, name) in enumerate(self._processes()):
            yield {
                "name": "process_name",
                "ph": "M",
                "pid": pid,
                "args": {"name": f"{name} ({place[0]} stage {place[1]})"},
            }
            yield {"name": "process_sort_index", "ph": "M", "pid": pid, "args": {"sort_index": pid}}
            for engine in engines[place]:
                yield {
                    "name": "thread_name",
                    "ph": "M",
                    "pid": pid,
                    "tid": _thread(engine),
                    "args": {"name": str(engine)},
                }

    def _slices(self) -> Iterator[Event]:
        numbers = defaultdict(list)
        for pid, (place, _) in enumerate(self._processes()):
            numbers[place].append(pid)
        ops = self._ops_by_slot()
        seconds: dict[tuple[int, int], Any] = {}
        for stay in self.stays:
            who = stay.microbatch, stay.step
            if who not in seconds:
                seconds[who] = self.route.program.seconds if self.noise is None else self.noise.seconds(*who)
            resource = self._resource(stay)
            for part in _parts(stay, self._held(ops, stay), seconds[who]):
                for pid in numbers[str(resource.role), resource.stage]:
                    yield _event(part, stay, pid, _thread(resource.engine))

    def _ops_by_slot(self) -> dict[tuple[int, int], list[tuple[int, Op]]]:
        ops = defaultdict(list)
        for number, op in enumerate(self.route.program.ops):
            ops[op.instruction, op.slot].append((number, op))
        return ops

    def _held(self, ops: dict[tuple[int, int], list[tuple[int, Op]]], stay: Stay) -> list[tuple[int, Op]]:
        """Return the ops of what a stay held: the resource of its instruction, or the port a message arrives at."""
        return ops[stay.instruction, ARRIVE if stay.is_arrival else HOLD]


def _thread(engine: Engine) -> int:
    return list(Engine).index(engine)


def _parts(stay: Stay, held: list[tuple[int, Op]], seconds: Any) -> Iterator[Slice]:
    """Yield the ops of a stay one after the other; they fill it exactly."""
    ends = np.cumsum([seconds[number] for number, _ in held]) * TICKS_PER_S
    begin = stay.start // TICKS_PER_PS
    last = (stay.start + stay.ticks) // TICKS_PER_PS
    for position, (_, op) in enumerate(held):
        end = last if position == len(held) - 1 else min(last, (stay.start + int(ends[position])) // TICKS_PER_PS)
        if end > begin:
            yield Slice(op.label, begin, end)
        begin = max(begin, end)


def _event(part: Slice, stay: Stay, pid: int, tid: int) -> Event:
    return {
        "name": part.name,
        "cat": f"microbatch {stay.microbatch}",
        "ph": "X",
        "ts": part.start / PS_PER_US,
        "dur": (part.end - part.start) / PS_PER_US,
        "pid": pid,
        "tid": tid,
        "cname": COLOURS[stay.microbatch % len(COLOURS)],
        "args": {"microbatch": stay.microbatch, "step": stay.step},
    }
