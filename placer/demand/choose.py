"""The cheapest of several plans of one model over a profile."""

from __future__ import annotations

import math

from placer.demand.answer import DemandAnswer, OtherPlan
from placer.demand.size import Question, size_over_time
from placer.errors import InputError


def cheapest_plan(questions: tuple[Question, ...]) -> DemandAnswer:
    """Return the answer of the plan that serves all hours for the least, the others beside it.

    Every plan is weighed alone: hours are not dealt to different plans.

    Raises
    ------
    InputError
        If there is no plan, or plans are of different models or lengths.
    """
    if not questions:
        raise InputError("expected at least one plan")
    first = questions[0]
    for other in questions[1:]:
        if _subject(other) != _subject(first):
            raise InputError(
                f"expected plans of one model and one length of answers, got {_words(first)} and {_words(other)}",
                where=other.where,
            )
    answers = sorted((size_over_time(each) for each in questions), key=_cost)
    best, *rest = answers
    others = tuple(OtherPlan(plan=each.plan, outcome=each.outcome, usd=each.usd) for each in rest)
    return best.model_copy(update={"others": others})


def _subject(question: Question) -> tuple[str, int]:
    scenario = question.plan.scenario
    return scenario.model.name, scenario.workload.output_tokens


def _words(question: Question) -> str:
    model, tokens = _subject(question)
    return f"{model} with {tokens:,} output tokens"


def _cost(answer: DemandAnswer) -> float:
    return math.inf if answer.usd is None else answer.usd
