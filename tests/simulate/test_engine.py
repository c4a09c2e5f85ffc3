"""The engine against the law, and against SimPy's own resources."""

import math
from dataclasses import replace

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.errors import InputError
from placer.plan.placement import Role
from placer.plan.schedule import Order, Schedule
from placer.simulate.engine import Load, Simulation
from placer.simulate.program import Delay, Engine, Fork, Message, Resource, Work, assemble
from placer.simulate.schedules import SCHEDULES
from placer.simulate.steady import run_steady
from tests.simulate.conftest import ring

ARRIVAL = Schedule(order=Order.ARRIVAL)
#: Free of ties, so that no order among equals decides.
SECONDS = st.floats(0.1, 1.0)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    times=st.lists(SECONDS, min_size=4, max_size=4),
    layers=st.integers(1, 12),
    in_flight=st.integers(1, 8),
    schedule=st.sampled_from([ARRIVAL, Schedule()]),
)
def test_uniform_cycles_take_what_the_law_says(times, layers, in_flight, schedule):
    # C2, H11: TPOT = L max(m max(T_A, T_F, T_x, T_y), T_A + T_F + T_x + T_y), full duplex
    steady = run_steady(ring(times, layers), Load(in_flight, schedule))
    law = layers * max(in_flight * max(times), sum(times))
    assert steady.step_s == pytest.approx(law, rel=1e-9)
    assert steady.law_s == pytest.approx(law, rel=1e-9)
    assert steady.is_settled


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    a=SECONDS,
    f=SECONDS,
    rates=st.tuples(SECONDS, SECONDS),
    latency=SECONDS,
    layers=st.integers(1, 6),
    m=st.integers(1, 6),
)
def test_messages_over_unequal_ports_follow_the_law_too(a, f, rates, latency, layers, m):
    host = [Resource(Role.HOST, 0, engine) for engine in (Engine.COMPUTE, Engine.OUT, Engine.IN)]
    side = [Resource(Role.SIDECAR, 0, engine) for engine in (Engine.COMPUTE, Engine.OUT, Engine.IN)]
    pieces = [
        Work(0, "attention", a),
        Message(1, 5, "there", *rates, latency),
        Work(3, "experts", f),
        Message(4, 2, "back", rates[1], rates[0], latency),
    ]
    steady = run_steady(assemble([*host, *side], pieces * layers), Load(m, ARRIVAL))
    round_trip = a + f + 2 * (max(rates) + latency)
    assert steady.step_s == pytest.approx(layers * max(m * max(a, f, *rates), round_trip), rel=1e-9)


PLACES = [Resource(Role.HOST, stage, engine) for stage in (0, 1) for engine in (Engine.COMPUTE, Engine.FABRIC)]
PORTS = [Resource(role, 0, engine) for role in Role for engine in (Engine.OUT, Engine.IN)]
RESOURCES = [*PLACES, Resource(Role.SIDECAR, 0, Engine.COMPUTE), *PORTS]
works = st.builds(Work, st.integers(0, 4), st.just("work"), SECONDS)
messages = st.builds(
    Message, st.sampled_from([5, 7]), st.sampled_from([6, 8]), st.just("message"), SECONDS, SECONDS, SECONDS
)
delays = st.builds(Delay, st.just("delay"), SECONDS)
branches = st.tuples(works, works).map(tuple)
forks = st.builds(Fork, st.tuples(st.builds(Work, st.integers(0, 1), st.just("main"), SECONDS)), st.tuples(messages))
programs = st.lists(st.one_of(works, works, messages, delays, forks), min_size=1, max_size=14)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(pieces=programs, in_flight=st.integers(1, 5), schedule=st.sampled_from(SCHEDULES))
def test_nothing_beats_the_law(pieces, in_flight, schedule):
    program = assemble(RESOURCES, pieces)
    try:
        steady = run_steady(program, Load(in_flight, schedule))
    except InputError:
        assert schedule.order is Order.TIMETABLE
        return
    assert steady.step_s >= steady.law_s
    # the figure is one of the run, not the law put in its place
    if steady.is_settled:
        assert sum(steady.steps_s) / len(steady.steps_s) >= steady.law_s * (1 - 1e-12)
    if in_flight == 1:
        assert steady.step_s == pytest.approx(steady.law_s, rel=1e-9)


def with_simpy(pieces, in_flight, steps):
    """First come first served with SimPy's resources: every run of works on one resource is one request."""
    env = simpy.Environment()
    resources = [simpy.Resource(env) for _ in RESOURCES]
    visits = []
    for piece in pieces:
        if isinstance(piece, Work) and visits and visits[-1][0] == piece.resource:
            visits[-1][1] += piece.seconds
        else:
            visits.append([piece.resource if isinstance(piece, Work) else None, piece.seconds])
    ends = [[] for _ in range(in_flight)]

    def microbatch(number):
        for _ in range(steps):
            for resource, seconds in visits:
                ticks = -int(-seconds * 1e15 // 1)
                if resource is None:
                    yield env.timeout(ticks)
                else:
                    with resources[resource].request() as turn:
                        yield turn
                        yield env.timeout(ticks)
            ends[number].append(env.now)

    for number in range(in_flight):
        env.process(microbatch(number))
    env.run()
    return ends


@settings(derandomize=True, deadline=None, max_examples=80)
@given(pieces=st.lists(st.one_of(works, delays), min_size=1, max_size=12), in_flight=st.integers(1, 5))
def test_queues_are_those_of_simpy(pieces, in_flight):
    # Among arrivals at one tick either may go first: times without a common measure have none.
    pieces = [replace(piece, seconds=piece.seconds + math.sqrt(number + 2) / 97) for number, piece in enumerate(pieces)]
    program = assemble(RESOURCES, pieces)
    ticks = program.durations()
    simulation = Simulation(program, Load(in_flight, ARRIVAL), lambda _microbatch, _step: ticks)
    simulation.run(lambda running: running.num_steps >= 6)
    expected = with_simpy(pieces, in_flight, 9)
    for ours, theirs in zip(simulation.ends, expected, strict=True):
        # a tick of rounding an instruction at most
        assert ours[:6] == pytest.approx(theirs[:6], abs=6 * in_flight * len(pieces))


def test_a_window_lets_so_many_in_and_the_oldest_first():
    # two engines of one stage: with one microbatch inside, nothing overlaps
    pieces = [Work(0, "attention", 3.0), Work(1, "exchange", 2.0)]
    program = assemble(RESOURCES, pieces)
    assert run_steady(program, Load(2, Schedule(window=1))).step_s == pytest.approx(10.0)
    assert run_steady(program, Load(2, Schedule(window=2))).step_s == pytest.approx(6.0)
    assert run_steady(program, Load(2, Schedule())).step_s == pytest.approx(6.0)


def test_time_in_use_counts_what_has_passed_only():
    program = assemble(RESOURCES, [Work(0, "work", 2.0), Work(1, "work", 1.0)])
    ticks = program.durations()
    simulation = Simulation(program, Load(1, ARRIVAL), lambda _microbatch, _step: ticks)
    simulation.run(lambda running: running.num_steps >= 3)
    assert simulation.held()[:2] == [6 * 10**15, 3 * 10**15]
