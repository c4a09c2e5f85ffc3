"""Whether a pool pays at given values of a figure: certified plans of the fleet with and without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from placer.scenario.scenario import Scenario
from placer.sweep.how import How, Means
from placer.sweep.question import Question
from placer.sweep.solve import answer_all
from placer.whatif.break_even import Probe
from placer.whatif.carry import carried
from placer.whatif.floor import floor_at
from placer.whatif.knob import Knob
from placer.whatif.verdict import Side, as_floor, decide, side_of
from placer.whatif.without import without


@dataclass
class Judge:
    """Answers whether one pool pays, and remembers what it proved.

    It pays where it saves more than the share ``saving`` of the cost.
    """

    pool: str
    saving: float
    how: How
    means: Means
    _sides: dict[str, Side] = field(default_factory=dict)

    def probes(self, knob: Knob, values: Sequence[float], known: Sequence[Probe] = ()) -> list[Probe]:
        """Return what holds at some values of a figure.

        Parameters
        ----------
        knob, values
            The figure, and values of it.
        known
            Probes of the same figure: what they prove saves time where costs only rise or fall with it.

        Raises
        ------
        InputError
            If a value is out of range, or the pool cannot be left out.
        """
        pairs = [self._pair(knob.at(value)) for value in values]
        floors: dict[str, float] = {}
        for value, (whole, less) in zip(values, pairs, strict=True):
            floors[whole.key] = floor_at(knob, value, [(one.value, one.with_pool.least) for one in known])
            bare = [(one.value, one.without_pool.least) for one in known]
            # Where the figure is the pool's own, the fleet without it is always the same question.
            floors[less.key] = 0.0 if self.pool in knob.pools else floor_at(knob, value, bare)
        self._solve([question for pair in pairs for question in pair], floors)
        return [self._probe(value, *pair) for value, pair in zip(values, pairs, strict=True)]

    def settled(self, knob: Knob, probes: Sequence[Probe]) -> list[Probe]:
        """Return probes of one figure with all that is known of each by the others, by rising value."""
        whole = [(one.value, one.with_pool) for one in probes]
        less = [(one.value, one.without_pool) for one in probes]
        settled = []
        for one in sorted(probes, key=lambda probe: probe.value):
            with_pool = carried(knob, one.value, one.with_pool, whole)
            without_pool = one.without_pool
            if self.pool not in knob.pools:
                without_pool = carried(knob, one.value, one.without_pool, less)
            settled.append(self._judged(one.value, with_pool, without_pool))
        return settled

    def _pair(self, scenario: Scenario) -> tuple[Question, Question]:
        return self.how.question(scenario), self.how.question(without(scenario, self.pool))

    def _solve(self, questions: Sequence[Question], floors: dict[str, float]) -> None:
        new = {question.key: question for question in questions if question.key not in self._sides}
        as_asked = {key: as_floor(question.scenario, floors[key]) for key, question in new.items()}
        plans = answer_all(list(new.values()), self.means.engine, self.means.store, self.means.sink, as_asked)
        for key, plan in zip(new, plans, strict=True):
            self._sides[key] = side_of(plan, key)

    def _probe(self, value: float, whole: Question, less: Question) -> Probe:
        return self._judged(value, self._sides[whole.key], self._sides[less.key])

    def _judged(self, value: float, with_pool: Side, without_pool: Side) -> Probe:
        decision = decide(with_pool, without_pool, self.saving)
        return Probe(value=value, decision=decision, with_pool=with_pool, without_pool=without_pool)
