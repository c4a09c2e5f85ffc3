"""The deterministic run: the time between two tokens once every step looks like the last."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from placer.simulate.engine import Simulation, Stay
from placer.simulate.program import TICKS_PER_S, Program

#: Instructions after which a replica that has not settled is averaged instead, but so many steps at least.
MOST_INSTRUCTIONS, LEAST_STEPS = 200_000, 32
#: Longest pattern of steps looked for.
LONGEST_PATTERN = 6


@dataclass(frozen=True)
class Steady:
    """The steady state of a replica.

    Attributes
    ----------
    step_s
        Mean time between two tokens of a user, never below the law.
    law_s
        ``max(path, m * busiest)``.
    steps_s
        Steps of all microbatches over one pattern, or over the steps averaged.
    is_settled
        Whether steps repeat exactly, tick by tick; else ``step_s`` is an average over the last half of the run.
    num_steps
        Steps simulated.
    stays
        What was held when, in the steps asked for.
    """

    step_s: float
    law_s: float
    steps_s: tuple[float, ...]
    is_settled: bool
    num_steps: int
    stays: tuple[Stay, ...] = ()


def run_steady(program: Program, in_flight: int, *, traced: range = range(0)) -> Steady:
    """Run a program with the times of the cost model until it repeats itself.

    Parameters
    ----------
    program, in_flight
        What a microbatch does in a step, and how many there are.
    traced
        Steps whose stays are kept; the run is at least that long.
    """
    ticks = program.durations()
    simulation = Simulation(program, in_flight, lambda _microbatch, _step: ticks, traced=traced)
    most_steps = max(LEAST_STEPS, MOST_INSTRUCTIONS // (len(program.instructions) * in_flight))

    def is_enough(running: Simulation) -> bool:
        if running.num_steps < traced.stop:
            return False
        return running.num_steps >= most_steps or _pattern(running) > 0

    simulation.run(is_enough)
    pattern, count = _pattern(simulation), simulation.num_steps
    span = pattern or max(1, count // 2)
    steps = [
        (later - earlier) / TICKS_PER_S
        for ends in simulation.ends
        for earlier, later in pairwise([0, *ends][count - span : count + 1])
    ]
    law = program.law_s(in_flight)
    return Steady(max(sum(steps) / len(steps), law), law, tuple(steps), pattern > 0, count, tuple(simulation.stays))


def _pattern(simulation: Simulation) -> int:
    """Return after how many steps everything repeats, tick by tick; 0 where it does not, or not yet."""
    count = simulation.num_steps
    return next((lag for lag in range(1, LONGEST_PATTERN + 1) if _repeats(simulation, lag, count)), 0)


def _repeats(simulation: Simulation, lag: int, count: int) -> bool:
    """Return whether each of the last ``lag + 1`` steps was that of ``lag`` steps before, of all microbatches."""
    if count < 2 * lag + 1:
        return False
    recent = range(count - lag - 1, count)
    period = simulation.ends[0][count - 1] - simulation.ends[0][count - 1 - lag]
    return all(
        shapes[step] == shapes[step - lag] and ends[step] - ends[step - lag] == period
        for shapes, ends in zip(simulation.shapes, simulation.ends, strict=True)
        for step in recent
    )
