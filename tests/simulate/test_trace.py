"""Traces are what Perfetto reads: named processes and threads, complete events, none over another."""

import itertools
import json
from collections import defaultdict

import pytest

from placer.simulate import trace as trace_module
from placer.simulate.outcome import Mode
from placer.simulate.simulate import Options, simulate_plan


@pytest.fixture(params=[Mode.DETERMINISTIC, Mode.STOCHASTIC])
def traced(request, hand_plan):
    outcome = simulate_plan(hand_plan, Options(mode=request.param, steps=5, jitter=0.3))
    return hand_plan, outcome, json.loads(outcome.trace.text())["traceEvents"]


def slices(events):
    return [event for event in events if event["ph"] == "X"]


def test_every_slice_lies_on_a_named_thread_of_a_named_process(traced):
    plan, _, events = traced
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    threads = {
        (event["pid"], event["tid"]): event["args"]["name"] for event in events if event["name"] == "thread_name"
    }
    assert {event["ph"] for event in events} == {"M", "X"}
    assert {(event["pid"], event["tid"]) for event in slices(events)} <= set(threads)
    assert {pid for pid, _ in threads} <= set(names)
    devices = sum(group.num_devices for group in plan.groups)
    assert len(set(names.values())) == len(names) == devices


def test_slices_of_a_thread_do_not_overlap(traced):
    _, _, events = traced
    by_thread = defaultdict(list)
    for event in slices(events):
        start = round(event["ts"] * 1e6)
        by_thread[event["pid"], event["tid"]].append((start, start + round(event["dur"] * 1e6)))
    for thread in by_thread.values():
        thread.sort()
        assert all(start < end for start, end in thread)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(thread))


def test_microbatches_are_told_apart_by_colour(traced):
    plan, _, events = traced
    colours = defaultdict(set)
    for event in slices(events):
        colours[event["args"]["microbatch"]].add(event["cname"])
    assert len(colours) == plan.batch.microbatches_in_flight
    assert all(len(names) == 1 for names in colours.values())
    assert len(set.union(*colours.values())) == len(colours)


def test_two_whole_steps_are_there(traced):
    plan, outcome, events = traced
    steps = {event["args"]["step"] for event in slices(events)}
    assert len(steps) == 2
    layers = {event["name"].split()[1] for event in slices(events) if event["name"].startswith("layer ")}
    assert layers == {str(layer.layer) for layer in plan.placement.layers}
    if outcome.report.mode is Mode.DETERMINISTIC:
        held = sum(event["dur"] for event in slices(events) if event["pid"] == 0 and event["tid"] == 0) * 1e-6
        first = next(use for use in outcome.report.stages if (str(use.role), use.stage) == ("host", 0))
        assert held == pytest.approx(2 * first.busy_s, rel=1e-6)


def test_lock_step_devices_share_a_process_in_large_traces(hand_plan, monkeypatch):
    monkeypatch.setattr(trace_module, "MOST_SLICES", 1)
    events = json.loads(simulate_plan(hand_plan, Options(mode=Mode.DETERMINISTIC)).trace.text())["traceEvents"]
    names = [event["args"]["name"] for event in events if event["name"] == "process_name"]
    assert len(names) == sum(group.stages for group in hand_plan.groups)
    assert all("lock-step" in name for name in names)
