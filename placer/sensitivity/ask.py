"""Every figure of a scenario turned down and up, estimates first, each solved again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from placer.errors import InputError
from placer.plan.plan import Status
from placer.scenario.scenario import Scenario, assert_consistent
from placer.sensitivity.measure import Judged, point, rank, turned
from placer.sensitivity.points import is_deduced, values_around
from placer.sweep.how import How, Means
from placer.sweep.question import Question
from placer.sweep.solve import answer_all
from placer.whatif.carry import carried
from placer.whatif.floor import floor_at
from placer.whatif.knob import Knob
from placer.whatif.knobs import knobs_of
from placer.whatif.sensitivity import Point, SensitivityAnswer
from placer.whatif.verdict import Side, as_floor, cost_unit, decide, side_of
from placer.whatif.without import without

Value = tuple[Knob, float]

#: What a pool must save to pay, unless told otherwise.
SAVING = 0.01


@dataclass
class _Asked:
    """Questions collected, and their answers."""

    how: How
    means: Means
    pool: str | None
    saving: float
    sides: dict[str, Side] = field(default_factory=dict)

    def questions(self, scenario: Scenario) -> tuple[Question, ...]:
        """Return the question of a scenario and, where a pool is followed, that of the fleet without it."""
        scenarios = (scenario,) if self.pool is None else (scenario, without(scenario, self.pool))
        return tuple(self.how.question(one) for one in scenarios)

    def solve(self, questions: Sequence[Question], floors: dict[str, float]) -> None:
        """Answer what has no answer yet."""
        new = {one.key: one for one in questions if one.key not in self.sides}
        plans = answer_all(list(new.values()), self.means.engine, self.means.store, self.means.sink, floors)
        for key, plan in zip(new, plans, strict=True):
            self.sides[key] = side_of(plan, key)

    def standing(self, knob: Knob, value: float) -> list[Question]:
        """Return what answers a changed scenario: a question of its own, or that of the scenario as it stands."""
        pairs = zip(self.questions(knob.at(value)), self.questions(knob.base), strict=True)
        return [before if is_deduced(knob, value, self.sides[before.key]) else own for own, before in pairs]

    def judged(self, questions: Sequence[Question]) -> Judged:
        """Return the answer of a scenario, and whether the pool pays."""
        return self._judged([self.sides[question.key] for question in questions])

    def judged_at(self, knob: Knob, value: float) -> Judged:
        """Return the same of a changed scenario; what stands is carried over to it."""
        triples = zip(
            self.standing(knob, value), self.questions(knob.base), self.questions(knob.at(value)), strict=True
        )
        sides = []
        for question, before, own in triples:
            side = self.sides[question.key]
            # Nothing changed for this fleet, or for the worse only where it does not matter: as it stands.
            is_open = question.key == own.key and own.key != before.key
            sides.append(carried(knob, value, side, [(knob.value, self.sides[before.key])]) if is_open else side)
        return self._judged(sides)

    def _judged(self, sides: Sequence[Side]) -> Judged:
        return sides[0], decide(sides[0], sides[1], self.saving) if self.pool is not None else None


def sensitivity(  # noqa: PLR0913 the question has this many parts, all but the first three with defaults
    scenario: Scenario,
    how: How,
    means: Means,
    *,
    change: float = 0.25,
    pool: str | None = None,
    saving: float = SAVING,
    only: Sequence[str] = (),
    most: int | None = None,
) -> SensitivityAnswer:
    """Return what the price and the decision of a scenario hang on, by certified plans of changed scenarios.

    Parameters
    ----------
    scenario
        The question as it stands.
    how, means
        How hard and where to search.
    change
        Relative change of every figure, down and up.
    pool
        Pool whose worth is followed: twice as many searches; none where None.
    saving
        The pool pays where it saves more than this share of the cost; at least the gap.
    only
        Figures to turn, by name or pattern; all where there is none.
    most
        Changed values to solve at most, estimates first; all where None.

    Raises
    ------
    InputError
        If a number is out of range, or the pool cannot be left out.
    ScenarioError
        If the parts of the scenario do not go together.
    """
    how.assert_sane(saving)
    _assert_sane(scenario, change, most)
    assert_consistent(scenario)
    figures = knobs_of(scenario, only)
    asked = _Asked(how, means, pool, saving)
    standing = asked.questions(scenario)
    asked.solve(standing, {})
    base = asked.judged(standing)
    answer = _answer(scenario, asked, change, base)
    if base[0].status is not Status.PLANNED:
        return answer
    knobs, left_out = _wanted(asked, figures, change, most)
    _solve_changed(asked, knobs, change)
    found = []
    for knob in knobs:
        low, high = (_point(asked, base, knob, value) for value in values_around(knob, change))
        found.append(turned(knob, base, (low, high)))
    return answer.model_copy(update={"turned": rank(found), "left_out": left_out})


def number_of_questions(knobs: Sequence[Knob], pool: str | None, change: float, most: int | None) -> int:
    """Return how many searches turning some figures takes at most, for people who wait."""
    values = [value for knob in knobs for value in values_around(knob, change) if value is not None]
    number = len(values) if most is None else min(most, len(values))
    return (1 + number) * (1 if pool is None else 2)


def _wanted(
    asked: _Asked, knobs: Sequence[Knob], change: float, most: int | None
) -> tuple[list[Knob], tuple[str, ...]]:
    """Return the figures to turn, and those that ``most`` values leave out; what is deduced costs nothing."""
    wanted, left_out, solved = list[Knob](), list[str](), 0
    for knob in knobs:
        values = [value for value in values_around(knob, change) if value is not None]
        whole = asked.sides[asked.questions(knob.base)[0].key]
        new = sum(not is_deduced(knob, value, whole) for value in values)
        if most is not None and solved + new > most:
            left_out.append(knob.key)
        elif values:
            solved += new
            wanted.append(knob)
    return wanted, tuple(left_out)


def _solve_changed(asked: _Asked, knobs: Sequence[Knob], change: float) -> None:
    """Solve all changed scenarios side by side; what is proven of the one that stands bounds them."""
    questions, floors = list[Question](), dict[str, float]()
    for knob in knobs:
        for value in values_around(knob, change):
            if value is None:
                continue
            for own, before in zip(asked.standing(knob, value), asked.questions(knob.base), strict=True):
                least = floor_at(knob, value, [(knob.value, asked.sides[before.key].least)])
                floors[own.key] = as_floor(own.scenario, least)
                questions.append(own)
    asked.solve(questions, floors)


def _point(asked: _Asked, base: Judged, knob: Knob, value: float | None) -> Point | None:
    if value is None:
        return None
    side = asked.sides[asked.questions(knob.base)[0].key]
    return point(value, asked.judged_at(knob, value), base, is_deduced=is_deduced(knob, value, side))


def _answer(scenario: Scenario, asked: _Asked, change: float, base: Judged) -> SensitivityAnswer:
    return SensitivityAnswer(
        model=scenario.model.name,
        fleet=scenario.fleet.name,
        pool=asked.pool,
        saving=asked.saving,
        cost_unit=cost_unit(scenario),
        price_basis=scenario.fleet.price_basis,
        change=change,
        relative_gap=asked.how.relative_gap,
        base=base[0],
        base_decision=base[1],
        turned=(),
        left_out=(),
    )


def _assert_sane(scenario: Scenario, change: float, most: int | None) -> None:
    if scenario.robust is not None:
        raise InputError("several routings at once are not asked what if; expected one routing", where="routing")
    if not 0.0 < change < 1.0:
        raise InputError(f"expected a share above 0 and below 1, such as 0.25, got {change!r}", where="change")
    if most is not None and most < 1:
        raise InputError(f"expected at least 1 value, got {most}", where="points")
