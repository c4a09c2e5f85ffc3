"""Questions in, certified plans out: from the store where they were solved before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from placer.certify import certify
from placer.errors import VerificationError
from placer.plan.plan import Plan, Status
from placer.planner.speculate import plan_any
from placer.search.params import SolveParams
from placer.sweep.engine import Engine
from placer.sweep.question import Question
from placer.sweep.store import Store


@dataclass(frozen=True)
class Answered:
    """A question that has its answer; ``is_new`` if it was solved now, not found in the store."""

    question: Question
    plan: Plan
    is_new: bool


#: Told of every answer as it comes.
AnswerSink = Callable[[Answered], None]


def answer(question: Question, floor: float = 0.0) -> tuple[Plan, float]:
    """Return the plan of a question, verified, and the wall seconds it took; needs no store.

    Parameters
    ----------
    question
        What is asked.
    floor
        No plan of it costs less, as is known beforehand: what a request costs per million of its output tokens [USD].

    Raises
    ------
    ScenarioError
        If the parts of the question do not go together.
    VerificationError
        If the verifier, which shares no code with the search, does not confirm the plan.
    """
    started = time.monotonic()
    params = SolveParams(
        relative_gap=question.relative_gap,
        budget_s=question.budget_s,
        seed=question.seed,
        floor=floor,
        with_alternatives=question.with_alternatives,
    )
    plan = plan_any(question.scenario, params)
    if plan.status is Status.PLANNED:
        report = certify(plan)
        if report.status != "verified":
            found = "; ".join(str(finding) for finding in report.findings[:3])
            raise VerificationError(f"the verifier does not confirm a plan: {plan.verdict}: {found}")
    return plan, time.monotonic() - started


def answer_all(
    questions: Sequence[Question],
    engine: Engine,
    store: Store | None = None,
    sink: AnswerSink | None = None,
    floors: Mapping[str, float] | None = None,
) -> list[Plan]:
    """Return the plans of several questions, in their order, each kept in the store as soon as it is known.

    Parameters
    ----------
    questions
        Solved side by side; equal ones once.
    engine, store
        Where to solve, and where to look first.
    sink
        Told of every answer as it comes.
    floors
        By key: what is known beforehand, as in `answer`.

    Raises
    ------
    ScenarioError, VerificationError
        As `answer`.
    """
    plans: dict[str, Plan] = {}
    for one in _answers(questions, engine, store, floors or {}):
        plans[one.question.key] = one.plan
        if sink is not None:
            sink(one)
    return [plans[question.key] for question in questions]


def _answers(
    questions: Sequence[Question], engine: Engine, store: Store | None, floors: Mapping[str, float]
) -> Iterator[Answered]:
    """Yield answers as they come: those of the store at once, new ones after they are kept."""
    running: dict[Future[tuple[Plan, float]], Question] = {}
    for question in {question.key: question for question in questions}.values():
        known = store.get(question) if store is not None else None
        if known is None:
            running[engine.submit(answer, question, floors.get(question.key, 0.0))] = question
        else:
            yield Answered(question, known, is_new=False)
    try:
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                question = running.pop(future)
                plan, wall_s = future.result()
                if store is not None:
                    store.put(question, plan, wall_s)
                yield Answered(question, plan, is_new=True)
    finally:
        for future in running:
            future.cancel()
