"""Frontiers of fleets whose optimum is known: certified, resumed, never repeated."""

import os
import random
import signal
import time
import warnings

import pytest

from placer.frontier.curve import Curve
from placer.frontier.solve import solve_frontier
from placer.plan.plan import Status
from placer.sweep.engine import Here
from placer.sweep.how import How
from placer.sweep.solve import answer
from placer.sweep.store import Store

SPEEDS = tuple(round(0.002 * 1.6**step, 5) for step in range(24))
MANY_SPEEDS = tuple(round(0.002 * 1.09**step, 5) for step in range(120))
EXACT = How(relative_gap=0.0)
KILLS = 20


class Noted(Here):
    """Notes the keys of what it solves in a file, before it does, and takes its time."""

    def __init__(self, path, seconds=0.0):
        self.path, self.seconds = path, seconds

    def submit(self, function, /, *args):
        with self.path.open("a") as stream:
            stream.write(f"{args[0].key}\n")
        time.sleep(self.seconds)
        return super().submit(function, *args)


def curves(toys, speeds=SPEEDS):
    names = ("sidecar-for-ffn", "sram-wins")
    return [Curve(name, toys.scenario(name), speeds) for name in names]


@pytest.fixture(scope="module")
def frontier(toys):
    return solve_frontier(curves(toys), Here(), None, EXACT)


def test_every_point_costs_what_its_plan_alone_would(toys, frontier):
    for point in frontier.points[:: len(SPEEDS) // 4]:
        plan, _ = answer(toys.question(point.target_tokens_per_s_per_user, point.curve))
        assert plan.status == point.status
        if plan.metrics is not None:
            assert point.usd_per_million_tokens == pytest.approx(plan.metrics.usd_per_million_output_tokens, rel=1e-9)
            assert point.relative_gap <= 1e-6


def test_it_ends_where_no_plan_is_fast_enough(frontier):
    for curve in frontier.curves:
        statuses = [point.status for point in frontier.of(curve)]
        assert statuses[0] is Status.PLANNED
        assert statuses[-1] is Status.INFEASIBLE
        assert statuses == sorted(statuses, key=lambda status: status is Status.INFEASIBLE)
        prices = [point.usd_per_million_tokens for point in frontier.of(curve) if point.status is Status.PLANNED]
        assert prices == sorted(prices)


def test_a_finished_sweep_is_free(toys, tmp_path, frontier):
    path = tmp_path / "answers.sqlite"
    with Store(path) as store:
        assert solve_frontier(curves(toys), Here(), store, EXACT) == frontier
        first = Noted(tmp_path / "again")
        assert solve_frontier(curves(toys), first, store, EXACT) == frontier
    assert not first.path.exists()


def test_curves_that_ask_the_same_are_solved_once(toys, tmp_path):
    noted = Noted(tmp_path / "keys")
    twice = [Curve(name, toys.scenario(), SPEEDS[:3]) for name in ("one", "other")]
    both = solve_frontier(twice, noted, None, EXACT)
    keys = noted.path.read_text().split()
    assert len(keys) == len(set(keys))
    assert [point.usd_per_million_tokens for point in both.of("one")] == [
        point.usd_per_million_tokens for point in both.of("other")
    ]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_twenty_times_it_loses_and_repeats_nothing(toys, tmp_path):
    path, chance, asked = tmp_path / "answers.sqlite", random.Random(7), curves(toys, MANY_SPEEDS)
    everything, finished, kills = {}, set(), 0
    for number in range(KILLS):
        log = tmp_path / f"keys-{number}"
        child = forked(lambda log=log: run(asked, path, log))
        is_over = wait_for(log, child, chance.randint(1, 2))
        if not is_over:
            time.sleep(chance.uniform(0.0, 0.06))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        kills += not is_over
        begun = log.read_text().split() if log.exists() else []
        assert len(begun) == len(set(begun)), "solved twice in one run"
        assert not finished & set(begun), "a finished point was solved again"
        with Store(path) as store:
            now = dict(store._base.execute("SELECT key, plan FROM answers"))
        assert everything.items() <= now.items(), "a finished point was lost or changed"
        everything, finished = now, set(now)
    assert kills == KILLS, "it was over before"
    assert len(finished) >= 5, "little was finished between the kills"
    last = Noted(tmp_path / "last")
    with Store(path) as store:
        assert solve_frontier(asked, last, store, EXACT) == solve_frontier(asked, Here(), None, EXACT)
    assert not finished & set(last.path.read_text().split() if last.path.exists() else [])


def run(asked, path, log):
    with Store(path) as store:
        solve_frontier(asked, Noted(log, 0.03), store, EXACT)


def wait_for(log, child, number):
    """Wait until so many questions were begun; return whether the child came to its end before."""
    while not log.exists() or len(log.read_text().split()) < number:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.005)
    return False


def forked(work):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child
