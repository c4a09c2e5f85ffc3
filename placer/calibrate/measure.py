"""Timing in rounds, everything in each of them, so that a busy minute of the machine falls on all alike."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from placer.calibrate.backend import Backend, Timing

Call = Callable[[], object]
#: Told what is measured, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
Key = TypeVar("Key")
_SLICE_S, _LONGEST_SLICE_S = 0.03, 0.3
_LEAST_A_SLICE, _MOST_A_SLICE = 4, 40
#: How many times as many timings are taken at most where others disturb.
_PATIENCE = 3
#: Timings a median is taken of at least.
_FEWEST = 5


@dataclass(frozen=True)
class Sample:
    """Repeated timings of one thing."""

    timings: tuple[Timing, ...]

    @property
    def undisturbed(self) -> tuple[float, ...]:
        """The timings [s] during which other programs took a core away least often, at least five of them."""
        ordered = sorted(self.timings, key=lambda timing: timing.interruptions)
        most = ordered[min(_FEWEST, len(ordered)) - 1].interruptions
        return tuple(timing.seconds for timing in ordered if timing.interruptions <= most)

    @property
    def seconds(self) -> float:
        """The median of the undisturbed ones [s]."""
        return statistics.median(self.undisturbed)

    @property
    def spread(self) -> float:
        """Interquartile range of the undisturbed ones over their median."""
        if len(self.undisturbed) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.undisturbed, n=4, method="inclusive")
        return (high - low) / self.seconds


def ignore(what: str, done: int, total: int) -> None:
    """Tell nobody."""
    del what, done, total


def measure(
    backend: Backend, tasks: Mapping[Key, Callable[[], Call]], rounds: int, *, progress: Progress = ignore
) -> dict[Key, Sample]:
    """Time every task in every round, in a new order each time.

    Parameters
    ----------
    backend
        What to run on.
    tasks
        What makes each call ready; nothing of it is kept between rounds.
    rounds
        How often to come back to each.
    progress
        Told about every slice.
    """
    taken: dict[Key, list[Timing]] = {key: [] for key in tasks}
    order, shuffle = list(tasks), random.Random(0)
    for turn in range(rounds):
        shuffle.shuffle(order)
        for index, key in enumerate(order):
            progress(f"round {turn + 1} of {rounds}", index, len(order))
            taken[key] += _slice(backend, tasks[key]())
    return {key: Sample(tuple(timings)) for key, timings in taken.items()}


def _slice(backend: Backend, call: Call) -> list[Timing]:
    """Return some timings of a call, the first two left out.

    At least four, for about 30 ms; where other programs disturb up to three times as many, but for at most 300 ms.
    """
    call()
    first = backend.time(call)
    count = min(_MOST_A_SLICE, max(_LEAST_A_SLICE, round(_SLICE_S / max(first.seconds, 1e-9))))
    timings: list[Timing] = []
    undisturbed, end = 0, time.monotonic() + _LONGEST_SLICE_S
    while undisturbed < count and len(timings) < _PATIENCE * count:
        timings.append(backend.time(call))
        undisturbed += timings[-1].interruptions == 0
        if len(timings) >= _LEAST_A_SLICE and time.monotonic() > end:
            break
    return timings
