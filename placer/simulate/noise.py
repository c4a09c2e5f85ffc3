"""Durations that differ from step to step: jitter of every op, and the experts each microbatch happens to pick."""

from __future__ import annotations

import numpy as np

from placer.cost.group import Array
from placer.simulate.program import Integers, Program
from placer.simulate.route import Route


class Noise:
    """Draws the durations of every microbatch and step, each from a seed of its own, so that no order matters.

    Every op's time is multiplied by a lognormal factor of mean 1 and relative standard deviation ``jitter``. The times
    of routed experts are those of a drawn batch: tokens pick experts with the chances of the routing profile, and the
    slowest rank of the placement decides.
    """

    def __init__(self, route: Route, *, jitter: float, seed: int) -> None:
        self._program, self._parts, self._seed = route.program, route.parts, seed
        self._sigma = float(np.sqrt(np.log1p(jitter * jitter)))
        numbers = np.array([op.experts for op in route.program.ops], dtype=np.int64)
        self._ops_of_part = [np.flatnonzero(numbers == number) for number in range(len(route.parts))]
        self._factor_of_op = _factors(route.program)

    def durations(self, microbatch: int, step: int) -> list[int]:
        """Return the ticks of a microbatch's step."""
        return self._program.durations(self.seconds(microbatch, step))

    def seconds(self, microbatch: int, step: int) -> Array:
        """Return the times of all ops in a microbatch's step."""
        random = np.random.default_rng((self._seed, microbatch, step))
        seconds = self._program.seconds.copy()
        for part, ops in zip(self._parts, self._ops_of_part, strict=True):
            seconds[ops] = part.drawn_s(random, len(ops))
        if not self._sigma:
            return seconds
        normal = random.standard_normal(int(self._factor_of_op[-1]) + 1)
        factors = np.exp(self._sigma * normal - 0.5 * self._sigma**2)
        return np.asarray(seconds * factors[self._factor_of_op])


def _factors(program: Program) -> Integers:
    """Return the number of every op's factor: the times of a message share one, every other op has its own."""
    starts = [op.slot == 0 for op in program.ops]
    return np.cumsum(np.array(starts, dtype=np.int64)) - 1
