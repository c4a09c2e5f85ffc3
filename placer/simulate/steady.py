"""The deterministic run: the time between two tokens once every step looks like the last."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from placer.simulate.engine import Load, Simulation, Stay
from placer.simulate.program import TICKS_PER_S, Program

#: Longest pattern of steps looked for.
LONGEST_PATTERN = 6


@dataclass(frozen=True)
class Effort:
    """When a replica that does not settle is averaged instead: after so many instructions, and steps at least."""

    instructions: int
    steps: int


#: What a step time is measured with; planner, verification and command use the same, so that they agree.
FULL = Effort(150_000, 16)


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
        Whether steps repeat exactly, tick by tick; else ``step_s`` is an average, start and end counted in full.
    num_steps, num_instructions
        Steps simulated, and what they took.
    stays
        What was held when, in the steps asked for.
    """

    step_s: float
    law_s: float
    steps_s: tuple[float, ...]
    is_settled: bool
    num_steps: int
    num_instructions: int
    stays: tuple[Stay, ...] = ()


def run_steady(program: Program, load: Load, *, traced: range = range(0), effort: Effort = FULL) -> Steady:
    """Run a program with the times of the cost model until it repeats itself.

    Parameters
    ----------
    program, load
        What a microbatch does in a step, how many there are, and their schedule.
    traced
        Steps whose stays are kept; the run is at least that long.
    effort
        How long to wait for a replica to settle.
    """
    ticks = program.durations()
    simulation = Simulation(program, load, lambda _microbatch, _step: ticks, traced=traced)
    most_steps = max(effort.steps, effort.instructions // (len(program.instructions) * load.in_flight))

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
    law = program.law_s(load.in_flight)
    work = count * load.in_flight * len(program.instructions)
    mean = max(sum(steps) / len(steps) if pattern else _least_average_s(simulation), law)
    return Steady(mean, law, tuple(steps), pattern > 0, count, work, tuple(simulation.stays))


def _least_average_s(simulation: Simulation) -> float:
    """Return the mean step of a run that does not repeat itself, with nothing in its favour.

    All steps from some number on lie between the first end of the step before and the last end of all; so many visits
    of every resource do too. That is never below the law; the least of it over the first half of the run is taken.
    """
    count = simulation.num_steps
    last = max(ends[count - 1] for ends in simulation.ends)
    spans = (
        (last - min([0, *ends][first] for ends in simulation.ends), count - first) for first in range(count // 2 + 1)
    )
    return min(span / steps for span, steps in spans) / TICKS_PER_S


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
