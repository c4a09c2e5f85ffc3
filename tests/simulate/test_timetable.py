"""Timetables keep every resource to one microbatch at a time, and a run of their orders is never slower."""

import itertools
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.plan.schedule import Order, Schedule
from placer.simulate.engine import Load, Simulation
from placer.simulate.program import Kind, Work, assemble
from placer.simulate.steady import run_steady
from placer.simulate.timetable import find_timetable
from tests.simulate.test_engine import RESOURCES, programs

TIMETABLE = Schedule(order=Order.TIMETABLE)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(pieces=programs, in_flight=st.integers(1, 5))
def test_a_run_is_no_slower_than_its_timetable(pieces, in_flight):
    program = assemble(RESOURCES, pieces)
    timetable = find_timetable(program, in_flight)
    if timetable is None:
        return
    steady = run_steady(program, Load(in_flight, TIMETABLE))
    assert steady.law_s <= steady.step_s <= in_flight * timetable.headway / 1e15 * (1 + 1e-9)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(pieces=programs, in_flight=st.integers(1, 5))
def test_every_visit_is_served_once_and_never_two_at_a_time(pieces, in_flight):
    program = assemble(RESOURCES, pieces)
    timetable = find_timetable(program, in_flight)
    if timetable is None:
        return
    ticks = program.durations()
    simulation = Simulation(program, Load(in_flight, TIMETABLE), lambda _mb, _step: ticks, traced=range(3))
    simulation.run(lambda running: running.num_steps >= 4)
    by_resource = defaultdict(list)
    for stay in simulation.stays:
        by_resource[stay.resource].append((stay.start, stay.start + stay.ticks))
    for stays in by_resource.values():
        stays.sort()
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(stays))
    counts = defaultdict(int)
    for stay in simulation.stays:
        counts[stay.microbatch, stay.step, stay.instruction, stay.is_arrival] += 1
    assert set(counts.values()) <= {1}
    sent = sum(1 for one in program.instructions if one.kind is Kind.SEND)
    visited = sum(1 for one in program.instructions if one.kind is Kind.VISIT)
    assert len(counts) == 3 * in_flight * (visited + 2 * sent)


def test_a_convoy_is_dissolved():
    # Two stages, two microbatches: first come first served both crawl through one stage together.
    pieces = [
        Work(resource, "work", time) for resource, time in ((0, 3.0), (1, 1.0), (0, 2.0), (2, 3.0), (3, 1.0), (2, 2.0))
    ]
    program = assemble(RESOURCES, pieces)
    convoy = run_steady(program, Load(2, Schedule(order=Order.ARRIVAL))).step_s
    steady = run_steady(program, Load(2, TIMETABLE))
    assert steady.law_s == pytest.approx(12.0)
    assert steady.step_s == pytest.approx(12.0, rel=2e-4)
    assert convoy > 1.2 * steady.step_s
