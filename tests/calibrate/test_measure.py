"""Timings other programs disturbed do not count; every task is timed in every round."""

import pytest

from placer.calibrate.backend import Backend, Timing
from placer.calibrate.measure import Sample, measure


def _sample(*pairs):
    return Sample(tuple(Timing(seconds, interruptions) for seconds, interruptions in pairs))


def test_disturbed_timings_are_left_out():
    quiet = [(1.0, 0), (1.1, 0), (0.9, 0), (1.0, 0), (1.0, 0)]
    assert _sample(*quiet, (50.0, 3), (60.0, 1)).seconds == 1.0
    assert _sample(*quiet, (50.0, 3)).spread < 0.2


def test_where_too_few_are_undisturbed_the_least_disturbed_count():
    sample = _sample((1.0, 0), (2.0, 1), (2.0, 1), (2.0, 1), (2.0, 1), (9.0, 7))
    assert sample.undisturbed == (1.0, 2.0, 2.0, 2.0, 2.0)
    assert _sample((3.0, 5)).undisturbed == (3.0,)


def test_every_task_is_timed_in_every_round_on_a_fresh_call():
    built, told = [], []

    def task(name):
        def build():
            built.append(name)
            return lambda: sum(range(1000))

        return build

    backend = Backend(torch=None, device="cpu", threads=1)
    samples = measure(
        backend, {"a": task("a"), "b": task("b")}, 3, progress=lambda _, done, total: told.append((done, total))
    )
    assert sorted(built) == ["a"] * 3 + ["b"] * 3
    assert told == [(0, 2), (1, 2)] * 3
    assert all(sample.seconds > 0 for sample in samples.values())


def test_an_error_while_measuring_is_not_swallowed():
    def build():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(Backend(torch=None, device="cpu", threads=1), {"a": build}, 1)
