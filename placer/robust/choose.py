"""A plan for several routings: plans for each and for mixtures of them, scored under all; the best that serves all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from placer.cost.group import Array
from placer.graph.lower import lower
from placer.plan.metrics import Bound
from placer.plan.plan import Plan, Status
from placer.plan.robust import Choice, ProfileFigures, RobustReport
from placer.planner.planner import make_plan
from placer.planner.provenance import build_provenance
from placer.progress import ProgressSink, ignore
from placer.replan.drift import drift_of
from placer.replan.drifted_plan import drifted_plan
from placer.replan.step_time import step_of
from placer.robust.mixture import mixture
from placer.robust.relaid import relaid
from placer.robust.score import Score, score
from placer.scenario.objective import Objective
from placer.scenario.robust import Robust
from placer.scenario.routing import RoutingProfile
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams
from placer.units import format_count

#: Mixtures that lean to where the last one was dearest, where the worst price counts.
ROUNDS = 4
#: How much a round leans: weights grow with this power of a routing's price over the mean.
LEAN = 10.0
#: How often plans that miss the target under some routing are made anew for a higher one.
MOST_TRIES = 2
#: What a target is raised by beyond what was missed.
MARGIN = 0.001
#: Relative differences below this are none.
NOISE = 1e-9

Scores = tuple[Score, ...]


@dataclass(frozen=True)
class Candidate:
    """A plan for a mixture of the routings, its shares, and the plan's scores under every routing."""

    plan: Plan
    mixture: RoutingProfile
    shares: tuple[float, ...]
    scores: Scores


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
    return _Chooser(scenario, asked, dataclasses.replace(params, budget_s=params.budget_s / runs), sink).plan()


@dataclass
class _Question:
    """A routing, and the speed that plans for it are asked for [tokens/s per user]."""

    routing: RoutingProfile
    rate: float

    def raise_rate(self, found: Sequence[Candidate], target_s: float) -> None:
        """Ask for as much more as the best of some plans falls short of, under the routing that is slowest in it."""
        slowest = min((max(one.step_s for one in candidate.scores) for candidate in found), default=target_s)
        if slowest > target_s:
            self.rate *= slowest / target_s * (1.0 + MARGIN)


class _Chooser:
    """Makes and scores plans for one question."""

    def __init__(self, scenario: Scenario, asked: Robust, params: SolveParams, sink: ProgressSink) -> None:
        self._scenario, self._asked, self._params, self._sink = scenario, asked, params, sink
        self._routings = [profile.routing for profile in asked.profiles]
        self._layers = lower(scenario.model).expert_layers
        self._even = (1.0 / len(self._routings),) * len(self._routings)
        self._target_s = scenario.target.step_time_s

    def plan(self) -> Plan:
        """Return the best plan, or the first answer that is none."""
        mixture(self._routings, self._even, self._layers, 1.0)
        rate = self._scenario.target.tokens_per_s_per_user
        owns = [self._made(routing, rate) for routing in self._routings]
        missing = next((own for own in owns if own.status is not Status.PLANNED), None)
        if missing is not None:
            return missing
        mixed = self._mixed(self._even, float(np.median([_sequences(own) for own in owns])))
        together = self._made(mixed, rate)
        if together.status is not Status.PLANNED:
            return together
        questions = [_Question(routing, rate) for routing in (*self._routings, mixed)]
        found: list[Candidate] = []
        answers: list[Plan] = [*owns, together]
        for again in range(1 + MOST_TRIES):
            for question, answer in zip(questions, answers, strict=True):
                picked = list(self._picked(answer)) if answer.status is Status.PLANNED else []
                question.raise_rate(picked, self._target_s)
                found += picked
            best = min(found, key=self._rank)
            if not self._misses(best.scores) or again == MOST_TRIES:
                break
            answers = [self._made(question.routing, question.rate) for question in questions]
        return self._undecided(best) if self._misses(best.scores) else self._written(best, owns, together)

    def _mixed(self, shares: tuple[float, ...], tokens: float) -> RoutingProfile:
        return mixture(self._routings, shares, self._layers, tokens)

    def _rank(self, one: Candidate) -> tuple[bool, float]:
        return self._misses(one.scores) != (), self._value(self._usd(one.scores))

    def _picked(self, plan: Plan) -> Iterator[Candidate]:
        """Yield a plan with its experts picked on mixtures."""
        shares = np.array(self._even)
        for _ in range(1 + (ROUNDS if self._asked.objective is Objective.WORST else 0)):
            stated = tuple(shares.tolist())
            mixed = self._mixed(stated, float(_sequences(plan)))
            dealt = relaid(plan, mixed.by_layer(self._layers)).under(mixed)
            scores = self._scores(dealt)
            yield Candidate(dealt, mixed, stated, scores)
            usd = self._usd(scores)
            leaning = shares * (usd / usd.mean()) ** LEAN
            shares = leaning / leaning.sum()

    def _made(self, routing: RoutingProfile, tokens_per_s_per_user: float) -> Plan:
        """Return the plan of one routing and target."""
        workload = self._scenario.workload.model_copy(update={"routing": routing})
        target = self._scenario.target.model_copy(update={"tokens_per_s_per_user": tokens_per_s_per_user})
        alone = {"workload": workload, "target": target, "robust": None}
        return make_plan(self._scenario.model_copy(update=alone), self._params, self._sink)

    def _scores(self, plan: Plan) -> Scores:
        return tuple(score(plan, routing) for routing in self._routings)

    def _misses(self, scores: Scores) -> tuple[str, ...]:
        """Return the routings under which a plan misses the target."""
        slow = [one.step_s > self._target_s * (1.0 + NOISE) for one in scores]
        return tuple(profile.name for profile, is_slow in zip(self._asked.profiles, slow, strict=True) if is_slow)

    def _value(self, prices: Sequence[float] | Array) -> float:
        return float(np.mean(prices) if self._asked.objective is Objective.MEAN else np.max(prices))

    def _usd(self, scores: Scores) -> Array:
        return np.array([one.usd for one in scores])

    def _report(self, best: Candidate, owns: Sequence[Plan]) -> RobustReport:
        own_usd = [own.metrics.usd_per_million_output_tokens for own in owns if own.metrics is not None]
        bounds = [own.bound.usd_per_million_output_tokens for own in owns if own.bound is not None]
        picked = [self._scores(relaid(best.plan, routing.by_layer(self._layers))) for routing in self._routings]
        fitting = np.array([scores[index].usd for index, scores in enumerate(picked)])
        return RobustReport(
            usd_per_million_output_tokens=self._value(self._usd(best.scores)),
            hindsight_usd_per_million_output_tokens=self._value(own_usd),
            hindsight_bound_usd_per_million_output_tokens=self._value(bounds),
            profiles=tuple(
                ProfileFigures(
                    name=profile.name,
                    law_step_time_s=one.law_s,
                    step_time_s=one.step_s,
                    usd_per_million_output_tokens=one.usd,
                    own_usd_per_million_output_tokens=own,
                    own_bound_usd_per_million_output_tokens=bound,
                    loss=one.usd / own - 1.0,
                )
                for profile, one, own, bound in zip(self._asked.profiles, best.scores, own_usd, bounds, strict=True)
            ),
            mixture=best.shares,
            worst_loss=float((self._usd(best.scores) / fitting).max() - 1.0),
            choices=tuple(
                Choice(
                    chosen_on=profile.name,
                    usd_per_million_output_tokens=tuple(self._usd(scores).tolist()),
                    misses=self._misses(scores),
                    worst_loss=float((self._usd(scores) / fitting).max() - 1.0),
                )
                for profile, scores in zip(self._asked.profiles, picked, strict=True)
            ),
        )

    def _written(self, best: Candidate, owns: Sequence[Plan], together: Plan) -> Plan:
        """Return the best plan as the answer to the question asked."""
        report = self._report(best, owns)
        asked = best.plan.scenario.model_copy(update={"target": self._scenario.target, "robust": self._asked})
        plan, placement = best.plan.model_copy(update={"scenario": asked, "robust": report}), best.plan.placement
        assert placement is not None
        step = step_of(plan, drift_of(best.mixture, lower(asked.model), "mixture"), {})
        plan = drifted_plan(plan, best.mixture, placement, step)
        assert plan.metrics is not None
        verdict = (
            f"{asked.model.name} on {asked.fleet.name}: ${report.usd_per_million_output_tokens:.4g}/M output "
            f"tokens, {self._asked.objective} of {len(self._asked.profiles)} routings, at least "
            f"{1.0 / max(one.step_s for one in best.scores):.4g} tokens/s/user, "
            f"{format_count(plan.metrics.tokens_per_s)} tokens/s; plans made for each routing alone: "
            f"${report.hindsight_usd_per_million_output_tokens:.4g}/M"
        )
        changed = {
            "verdict": verdict,
            "bound": self._bound(best, together, plan.metrics.usd_per_million_output_tokens),
            "provenance": build_provenance(asked, self._params, tuple(plan.devices)),
        }
        return Plan.model_validate(plan.model_copy(update=changed).model_dump())

    def _bound(self, best: Candidate, together: Plan, usd: float) -> Bound:
        """Return the bound of the mixture: that of its search; nothing is proven of one that was not searched."""
        if best.mixture != together.scenario.workload.routing or together.bound is None:
            return Bound(usd_per_million_output_tokens=0.0, relative_gap=1.0)
        proven = together.bound.usd_per_million_output_tokens
        return Bound(usd_per_million_output_tokens=proven, relative_gap=1.0 - proven / usd)

    def _undecided(self, nearest: Candidate) -> Plan:
        missed = ", ".join(self._misses(nearest.scores))
        plan, scenario = nearest.plan, self._scenario
        return Plan(
            status=Status.UNDECIDED,
            verdict=(
                f"{scenario.model.name} on {scenario.fleet.name}: undecided; plans were found, but none meets the "
                f"target under {missed}; ask for less, or for other routings"
            ),
            scenario=scenario,
            search=plan.search,
            provenance=build_provenance(scenario, self._params, tuple(plan.devices)),
        )


def _sequences(plan: Plan) -> int:
    """Return the sequences of a microbatch."""
    assert plan.batch is not None
    return plan.batch.sequences_per_microbatch
