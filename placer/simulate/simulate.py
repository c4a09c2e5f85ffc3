"""Simulating a plan: from its file to a report, and to a trace."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from placer.errors import InputError
from placer.plan.plan import Plan
from placer.simulate.compare import Measured, report_of
from placer.simulate.deployment import Deployment, deployment_of
from placer.simulate.engine import Load, Simulation, Stay
from placer.simulate.noise import Noise
from placer.simulate.outcome import Mode, SimulationReport
from placer.simulate.program import TICKS_PER_S
from placer.simulate.route import Route, build_route
from placer.simulate.steady import run_steady
from placer.simulate.trace import Trace

#: What is assumed unless told otherwise. Nobody has measured how far kernel times of these devices spread from step to
#: step: the jitter is an assumption, of the size seen on otherwise idle machines.
DEFAULT_STEPS, DEFAULT_WARM_UP, DEFAULT_JITTER = 100, 10, 0.05
MOST_STEPS, MOST_JITTER = 100_000, 3.0
#: Steps of a trace, and those before the ones a deterministic run traces.
TRACED_STEPS, STEPS_BEFORE = 2, 4


@dataclass(frozen=True)
class Options:
    """How to simulate.

    Attributes
    ----------
    mode
        Whether times are drawn.
    steps, warm_up
        Steps of every microbatch that are measured, and those before. A deterministic run ends when it repeats itself.
    seed, jitter
        Of the draws; the jitter is a relative standard deviation.
    """

    mode: Mode = Mode.STOCHASTIC
    steps: int = DEFAULT_STEPS
    warm_up: int = DEFAULT_WARM_UP
    seed: int = 0
    jitter: float = DEFAULT_JITTER

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if not 1 <= self.steps <= MOST_STEPS:
            raise InputError(f"expected 1 to {MOST_STEPS} steps, got {self.steps!r}", where="steps")
        if not 0 <= self.warm_up <= MOST_STEPS:
            raise InputError(f"expected 0 to {MOST_STEPS} steps, got {self.warm_up!r}", where="warm_up")
        if not 0.0 <= self.jitter <= MOST_JITTER:
            raise InputError(f"expected a share between 0 and {MOST_JITTER:g}, got {self.jitter!r}", where="jitter")
        if self.seed < 0:
            raise InputError(f"expected a whole number of at least 0, got {self.seed!r}", where="seed")


@dataclass(frozen=True)
class Outcome:
    """A report, and the trace of a few steps."""

    report: SimulationReport
    trace: Trace


def simulate_plan(plan: Plan, options: Options) -> Outcome:
    """Simulate the placed shards of a plan under its schedule.

    Parameters
    ----------
    plan
        A planned one; of a whole service the decoding replicas are simulated, prompts left out.
    options
        Mode, length, seed.

    Raises
    ------
    InputError
        If the plan has no placement.
    """
    plan = plan.decode_part()
    deployment = deployment_of(plan)
    route, load = build_route(deployment), Load(deployment.in_flight, plan.schedule)
    noise = None
    if options.mode is Mode.DETERMINISTIC:
        measured, stays = _steady(route, load, deployment)
    else:
        noise = Noise(route, jitter=options.jitter, seed=options.seed)
        measured, stays = _drawn(route, load, noise, (options, deployment))
    report = report_of(plan, route, measured, options.mode, deployment.step.gained)
    return Outcome(report, Trace(deployment, route, stays, noise))


def _steady(route: Route, load: Load, deployment: Deployment) -> tuple[Measured, tuple[Stay, ...]]:
    steady = run_steady(route.program, load)
    traced = run_steady(route.program, load, traced=range(STEPS_BEFORE, STEPS_BEFORE + TRACED_STEPS))
    measured = Measured(
        steps_s=np.array(steady.steps_s),
        step_s=steady.step_s,
        tokens_per_s=deployment.sequences * deployment.step.gained * load.in_flight / steady.step_s,
        busy_share=load.in_flight * route.program.busy_s() / steady.step_s,
        law_s=steady.law_s,
        steps=len(steady.steps_s) // load.in_flight,
        warm_up=steady.num_steps - len(steady.steps_s) // load.in_flight,
        is_settled=steady.is_settled,
    )
    return measured, traced.stays


def _drawn(
    route: Route, load: Load, noise: Noise, how: tuple[Options, Deployment]
) -> tuple[Measured, tuple[Stay, ...]]:
    options, deployment = how
    warm_up, last = options.warm_up, options.warm_up + options.steps
    traced = range(warm_up, warm_up + min(TRACED_STEPS, options.steps))
    simulation = Simulation(route.program, load, noise.durations, traced=traced)
    start, held = [0], [[0] * len(route.program.resources)]

    def is_enough(running: Simulation) -> bool:
        if running.num_steps == warm_up:
            start[0], held[0] = running.now, running.held()
        return running.num_steps >= last

    simulation.run(is_enough)
    spans = [[0, *ends][warm_up : last + 1] for ends in simulation.ends]
    steps = np.array([later - earlier for ends in spans for earlier, later in pairwise(ends)]) / TICKS_PER_S
    busy = np.array(simulation.held()) - np.array(held[0])
    tokens = deployment.sequences * deployment.step.gained
    return Measured(
        steps_s=steps,
        step_s=float(steps.mean()),
        tokens_per_s=sum(tokens * options.steps * TICKS_PER_S / (ends[-1] - ends[0]) for ends in spans),
        busy_share=busy / (simulation.now - start[0]),
        law_s=route.program.law_s(load.in_flight),
        steps=options.steps,
        warm_up=warm_up,
        seed=options.seed,
        jitter=options.jitter,
    ), tuple(simulation.stays)
