"""Questions are solved once, verified, wherever they are solved."""

import os
import signal
import time
from concurrent.futures import Future

import pytest

from placer.errors import InputError, VerificationError
from placer.plan.plan import Status
from placer.sweep import solve
from placer.sweep.engine import Here, open_engine
from placer.sweep.solve import answer, answer_all
from placer.sweep.store import Store

SPEEDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class Counted(Here):
    """Counts what is solved."""

    def __init__(self):
        self.calls = 0

    def submit(self, function, /, *args):
        self.calls += 1
        return super().submit(function, *args)


def prices(plans):
    return [plan.metrics and plan.metrics.usd_per_million_output_tokens for plan in plans]


def test_answers_come_in_the_order_asked_and_equal_questions_are_solved_once(toys, tmp_path):
    questions = [toys.question(speed) for speed in (0.05, 0.002, 0.05)]
    engine, told = Counted(), []
    with Store(tmp_path / "answers.sqlite") as store:
        plans = answer_all(questions, engine, store, told.append)
        assert engine.calls == 2
        assert len(told) == 2
        assert all(one.is_new for one in told)
        assert [plan.scenario.target.tokens_per_s_per_user for plan in plans] == [0.05, 0.002, 0.05]
        assert prices(answer_all(questions, engine, store)) == prices(plans)
        assert engine.calls == 2


def test_a_floor_changes_no_price_and_is_a_bound(toys):
    question = toys.question(0.01, relative_gap=0.05)
    plain, _ = answer(question)
    exact, _ = answer(toys.question(0.01))
    optimum = exact.metrics.usd_per_million_output_tokens
    floored, _ = answer(question, floor=optimum * 0.99)
    assert floored.metrics.usd_per_million_output_tokens >= optimum * (1 - 1e-9)
    assert floored.bound.usd_per_million_output_tokens >= optimum * 0.99 * (1 - 1e-9)
    assert floored.bound.relative_gap <= max(0.05, plain.bound.relative_gap) + 1e-9


def test_a_floor_does_not_hold_for_the_slower_speeds_a_refusal_looks_at(toys):
    refused, _ = answer(toys.question(1e6), floor=1e9)
    assert refused.status is Status.INFEASIBLE
    assert refused.refusal.nearest


def test_a_plan_that_the_verifier_does_not_confirm_is_no_answer(toys, monkeypatch):
    honest = solve.plan_any

    def wrong(scenario, params):
        plan = honest(scenario, params)
        return plan.model_copy(update={"metrics": plan.metrics.model_copy(update={"usd_per_hour": 1.0})})

    monkeypatch.setattr(solve, "plan_any", wrong)
    with pytest.raises(VerificationError, match="does not confirm"):
        answer(toys.question())


def test_processes_and_this_process_agree(toys, tmp_path):
    questions = [toys.question(speed) for speed in SPEEDS[:4]]
    with open_engine("processes", 2) as engine, Store(tmp_path / "answers.sqlite") as store:
        there = answer_all(questions, engine, store)
        assert len(store) == 4
    assert prices(there) == prices(answer_all(questions, Here()))


def test_a_lost_worker_is_told_and_what_was_solved_is_kept(toys, tmp_path, monkeypatch):
    monkeypatch.setattr(solve.Sweep, "ask", lambda sweep, question, _: sweep._running.update(dying(sweep, question)))
    with (
        open_engine("processes", 1) as engine,
        Store(tmp_path / "answers.sqlite") as store,
        pytest.raises(InputError, match="a worker was lost"),
    ):
        answer_all([toys.question()], engine, store)


def dying(sweep, question):
    return {sweep._engine.submit(os._exit, 1): question}


def test_an_unknown_engine_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match='did you mean "processes"'), open_engine("process"):
        pass


@pytest.mark.slow
def test_a_cluster_of_two_workers_goes_on_when_one_is_killed(toys, tmp_path):
    pytest.importorskip("ray")
    questions = [toys.question(speed) for speed in SPEEDS]
    with open_engine("ray", 2) as engine, Store(tmp_path / "answers.sqlite") as store:

        def slow_pid():
            time.sleep(1.0)
            return os.getpid()

        workers = {future.result() for future in [engine.submit(slow_pid) for _ in range(2)]}
        assert len(workers) == 2
        told = []

        def kill_one_midway(answered):
            told.append(answered)
            if len(told) == 2:
                os.kill(workers.pop(), signal.SIGKILL)

        plans = answer_all(questions, engine, store, kill_one_midway)
        assert len(store) == len(told) == len(SPEEDS)
    assert prices(plans) == prices(answer_all(questions, Here()))


def test_here_hands_errors_on():
    future = Here().submit(int, "no number")
    assert isinstance(future, Future)
    with pytest.raises(ValueError, match="no number"):
        future.result()
