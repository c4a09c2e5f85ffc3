"""The schedules a plan may ask for, and which of them suits a replica best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from placer.plan.schedule import Order, Schedule
from placer.simulate.engine import Load
from placer.simulate.program import Program
from placer.simulate.steady import Effort, Steady, run_steady
from placer.simulate.timetable import find_timetable

#: In the order they are tried, whatever the replica.
SCHEDULES = (
    Schedule(order=Order.ARRIVAL),
    Schedule(order=Order.TIMETABLE),
    Schedule(window=1),
)
#: Steps that differ by less are equal; a schedule this close to the law leaves nothing to gain.
NOISE = 1e-6
#: A schedule is tried for so long: most that settle do so, of others the step is known to a few percent.
TRIAL = Effort(24_000, 10)


@dataclass(frozen=True)
class Trial:
    """The best schedule of some, its step time (rough unless it settled), and the instructions it took to find out."""

    schedule: Schedule
    steady: Steady
    num_instructions: int


def schedules_for(in_flight: int, stages: int) -> tuple[Schedule, ...]:
    """Return the schedules worth trying: those of all replicas, and stages that take in their share of microbatches."""
    share = -(-in_flight // stages)
    return (*SCHEDULES, Schedule(window=share)) if share > 1 else SCHEDULES


def try_schedules(program: Program, in_flight: int, schedules: Sequence[Schedule] = SCHEDULES) -> Trial:
    """Return the schedule with the shortest step, the first of those that are equal."""
    best: Trial | None = None
    spent = 0
    for schedule in schedules if in_flight > 1 else schedules[:1]:
        if schedule.order is Order.TIMETABLE and find_timetable(program, in_flight) is None:
            continue
        steady = run_steady(program, Load(in_flight, schedule), effort=TRIAL)
        spent += steady.num_instructions
        if best is None or steady.step_s < best.steady.step_s * (1.0 - NOISE):
            best = Trial(schedule, steady, spent)
        if best.steady.is_settled and best.steady.step_s <= steady.law_s * (1.0 + NOISE):
            break
    assert best is not None
    return Trial(best.schedule, best.steady, spent)
