"""A plan for several routings: plans for each and for mixtures of them, scored under all; the best that serves all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from placer.graph.lower import lower
from placer.plan.plan import Plan, Status
from placer.planner.planner import make_plan
from placer.progress import ProgressSink, ignore
from placer.robust.judge import Candidate, Judge, usd
from placer.robust.mixture import assert_one_kind, mixture
from placer.robust.relaid import relaid
from placer.robust.score import score
from placer.robust.written import report_of, undecided, written
from placer.scenario.objective import Objective
from placer.scenario.routing import RoutingProfile
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams

#: Mixtures that lean to where the last one was dearest, where the worst price counts.
ROUNDS = 4
#: How much a round leans: weights grow with this power of a routing's price over the mean.
LEAN = 10.0
#: How often plans that miss the target under some routing are made anew for a higher one.
MOST_TRIES = 2
#: What a target is raised by beyond what was missed.
MARGIN = 0.001


def plan_robust(scenario: Scenario, params: SolveParams, sink: ProgressSink = ignore) -> Plan:
    """Return the plan with the least mean or worst price under the routings of ``scenario.robust``.

    Groups and batch come from plans made for every routing alone and for the even mixture; experts are picked on
    mixtures, the even one and, where the worst price counts, some that lean to the dearest routings. All are scored
    under all routings. Of those that meet the target under each, the best is returned; if there is none, the
    searches are repeated for targets higher by what was missed.

    Parameters
    ----------
    scenario
        With ``robust``; its own routing is of no matter.
    params
        As for one plan; the budget is shared by all of them.
    sink
        Told how the searches go.

    Raises
    ------
    ScenarioError
        If model, fleet, workload, target and routings do not go together.
    """
    asked = scenario.robust
    assert asked is not None
    runs = 2 * (len(asked.profiles) + 1)
    judge = Judge(asked, scenario.target.step_time_s, lower(scenario.model))
    return _Chooser(scenario, judge, dataclasses.replace(params, budget_s=params.budget_s / runs), sink).plan()


@dataclass
class _Question:
    """A routing, and the speed that plans for it are asked for [tokens/s per user]."""

    routing: RoutingProfile
    rate: float

    def raise_rate(self, found: Sequence[Candidate], target_s: float) -> None:
        """Ask for as much more as the best of some plans falls short of, under the routing that is slowest in it."""
        slowest = min((candidate.slowest_s for candidate in found), default=target_s)
        if slowest > target_s:
            self.rate *= slowest / target_s * (1.0 + MARGIN)


class _Chooser:
    """Makes and scores plans for one question."""

    def __init__(self, scenario: Scenario, judge: Judge, params: SolveParams, sink: ProgressSink) -> None:
        self._scenario, self._judge, self._params, self._sink = scenario, judge, params, sink
        self._routings = [profile.routing for profile in judge.asked.profiles]
        self._layers = judge.model.expert_layers
        assert_one_kind(self._layers)
        self._even = (1.0 / len(self._routings),) * len(self._routings)

    def plan(self) -> Plan:
        """Return the best plan, or the first answer that is none."""
        rate, judge = self._scenario.target.tokens_per_s_per_user, self._judge
        owns = [self._made(routing, rate) for routing in self._routings]
        missing = next((own for own in owns if own.status is not Status.PLANNED), None)
        if missing is not None:
            return missing
        mixed = self._mixed(self._even, float(np.median([_sequences(own) for own in owns])))
        together = self._made(mixed, rate)
        if together.status is not Status.PLANNED:
            return together
        best = self._best([*owns, together], [_Question(routing, rate) for routing in (*self._routings, mixed)])
        if not judge.holds(best):
            return undecided(self._scenario, best, judge.misses(best.scores), self._params)
        return written(self._scenario, best, report_of(best, owns, judge), together, self._params)

    def _best(self, answers: list[Plan], questions: Sequence[_Question]) -> Candidate:
        """Return the best candidate on the groups of some plans, asked anew for more where none holds."""
        found: list[Candidate] = []
        for again in range(1 + MOST_TRIES):
            for question, answer in zip(questions, answers, strict=True):
                picked = list(self._picked(answer)) if answer.status is Status.PLANNED else []
                question.raise_rate(picked, self._judge.target_s)
                found += picked
            best = min(found, key=self._judge.rank)
            if self._judge.holds(best) or again == MOST_TRIES:
                break
            answers = [self._made(question.routing, question.rate) for question in questions]
        return best

    def _mixed(self, shares: tuple[float, ...], tokens: float) -> RoutingProfile:
        return mixture(self._routings, shares, self._layers, tokens)

    def _picked(self, plan: Plan) -> Iterator[Candidate]:
        """Yield a plan with its experts picked on mixtures."""
        shares = np.array(self._even)
        for _ in range(1 + (ROUNDS if self._judge.asked.objective is Objective.WORST else 0)):
            stated = tuple(shares.tolist())
            mixed = self._mixed(stated, float(_sequences(plan)))
            dealt = relaid(plan, mixed, self._judge.model).under(mixed)
            scores = self._judge.scores(dealt)
            yield Candidate(dealt, mixed, stated, score(dealt, mixed, self._judge.model), scores)
            leaning = shares * (usd(scores) / usd(scores).mean()) ** LEAN
            shares = leaning / leaning.sum()

    def _made(self, routing: RoutingProfile, tokens_per_s_per_user: float) -> Plan:
        """Return the plan of one routing and target."""
        workload = self._scenario.workload.model_copy(update={"routing": routing})
        target = self._scenario.target.model_copy(update={"tokens_per_s_per_user": tokens_per_s_per_user})
        alone = {"workload": workload, "target": target, "robust": None}
        return make_plan(self._scenario.model_copy(update=alone), self._params, self._sink)


def _sequences(plan: Plan) -> int:
    """Return the sequences of a microbatch."""
    assert plan.batch is not None
    return plan.batch.sequences_per_microbatch
