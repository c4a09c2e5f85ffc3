"""Questions in, certified plans out: from the store where they were solved before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from placer.certify import certify
from placer.errors import InputError, VerificationError
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
        with_reason=question.with_reason,
    )
    plan = plan_any(question.scenario, params)
    if plan.status is Status.PLANNED:
        report = certify(plan)
        if report.status != "verified":
            found = "; ".join(str(finding) for finding in report.findings[:3])
            raise VerificationError(f"the verifier does not confirm a plan: {plan.verdict}: {found}")
    return plan, time.monotonic() - started


class Sweep:
    """Questions that are being solved side by side, and their answers as they come.

    Parameters
    ----------
    engine, store
        Where to solve, and where to look first and keep what was solved.
    """

    def __init__(self, engine: Engine, store: Store | None = None) -> None:
        self._engine, self._store = engine, store
        self._known: list[Answered] = []
        self._running: dict[Future[tuple[Plan, float]], Question] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for future in self._running:
            future.cancel()

    def ask(self, question: Question, floor: float = 0.0) -> None:
        """Begin to solve a question, unless its answer is known; ``floor`` is that of `answer`."""
        known = self._store.get(question) if self._store is not None else None
        if known is not None:
            self._known.append(Answered(question, known, is_new=False))
            return
        future = self._engine.submit(answer, question, floor)
        if future.done():
            self._known.append(self._kept(question, future))
        else:
            self._running[future] = question

    def answers(self) -> Iterator[Answered]:
        """Yield answers until none is left to come; new ones after they are kept. More may be asked meanwhile.

        Raises
        ------
        ScenarioError, VerificationError
            As `answer`.
        InputError
            If a worker was lost.
        """
        while self._known or self._running:
            yield from self._taken()
            if self._running:
                for future in wait(self._running, return_when=FIRST_COMPLETED).done:
                    yield self._kept(self._running.pop(future), future)

    def _taken(self) -> Iterator[Answered]:
        while self._known:
            yield self._known.pop()

    def _kept(self, question: Question, future: Future[tuple[Plan, float]]) -> Answered:
        try:
            plan, wall_s = future.result()
        except BrokenExecutor as error:
            text = "a worker was lost (out of memory?); what was solved is kept, the same command goes on"
            raise InputError(text, where="engine") from error
        if self._store is not None:
            self._store.put(question, plan, wall_s)
        return Answered(question, plan, is_new=True)


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
    ScenarioError, VerificationError, InputError
        As `Sweep.answers`.
    """
    plans: dict[str, Plan] = {}
    with Sweep(engine, store) as sweep:
        for question in {question.key: question for question in questions}.values():
            sweep.ask(question, (floors or {}).get(question.key, 0.0))
        for one in sweep.answers():
            plans[one.question.key] = one.plan
            if sink is not None:
                sink(one)
    return [plans[question.key] for question in questions]
