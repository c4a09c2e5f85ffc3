"""A plan for several routings: plans for each and for mixtures of them, scored under all; the best that serves all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
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
from placer.robust.mixture import mixture
from placer.robust.relaid import relaid
from placer.robust.score import Score, score
from placer.scenario.robust import Objective, Robust
from placer.scenario.routing import RoutingProfile
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams
from placer.units import format_count

#: Mixtures tried beyond the even one where the worst price counts; each leans to where the last one was dearest.
ROUNDS = 2
#: How much a round leans: weights grow with this power of a routing's price over the mean.
LEAN = 10.0
#: How often a plan that misses the target under some routing is made anew for a higher one.
MOST_TRIES = 3
#: What a target is raised by beyond what was missed.
MARGIN = 0.001
#: Relative differences below this are none.
NOISE = 1e-9

Scores = tuple[Score, ...]


@dataclass(frozen=True)
class Candidate:
    """A plan and its scores under every routing; ``bound`` is of its routing and the target."""

    plan: Plan
    bound: Bound
    scores: Scores


def plan_robust(scenario: Scenario, params: SolveParams, sink: ProgressSink = ignore) -> Plan:
    """Return the plan with the least mean or worst price under the routings of ``scenario.robust``.

    Plans are made for every routing alone, for the even mixture, and, where the worst price counts, for mixtures that
    lean to the dearest routings. All are scored under all routings. Of those that meet the target under each,
    the best is returned; the search of a mixture that misses it is repeated for a higher target.

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
    rounds = ROUNDS if asked.objective is Objective.WORST else 0
    runs = len(asked.profiles) + 1 + rounds
    return _Chooser(scenario, asked, dataclasses.replace(params, budget_s=params.budget_s / runs), sink).plan(rounds)


class _Chooser:
    """Makes and scores plans for one question."""

    def __init__(self, scenario: Scenario, asked: Robust, params: SolveParams, sink: ProgressSink) -> None:
        self._scenario, self._asked, self._params, self._sink = scenario, asked, params, sink
        self._routings = [profile.routing for profile in asked.profiles]
        self._layers = lower(scenario.model).expert_layers
        self._target_s = scenario.target.step_time_s

    def plan(self, rounds: int) -> Plan:
        """Return the best plan, or the first answer that is none."""
        weights = np.full(len(self._routings), 1.0 / len(self._routings))
        mixture(self._routings, weights.tolist(), self._layers, 1.0)
        owns: list[Candidate] = []
        for profile in self._asked.profiles:
            answer = self._made(profile.routing, self._scenario.target.tokens_per_s_per_user)
            if isinstance(answer, Plan):
                return answer
            owns.append(answer)
        batches = [own.plan.batch.sequences_per_microbatch for own in owns if own.plan.batch is not None]
        tokens, tried = float(np.median(batches)), list[tuple[Candidate, Array]]()
        for _ in range(1 + rounds):
            found = self._held(mixture(self._routings, weights.tolist(), self._layers, tokens))
            if isinstance(found, Plan):
                return found
            tried.append((found, weights))
            usd = self._usd(found.scores)
            leaning = weights * (usd / usd.mean()) ** LEAN
            weights = leaning / leaning.sum()
        best, weights = min(
            tried, key=lambda one: (self._misses(one[0].scores) != (), self._value(self._usd(one[0].scores)))
        )
        if self._misses(best.scores):
            return self._undecided(best)
        return self._written(best, owns, weights)

    def _made(self, routing: RoutingProfile, tokens_per_s_per_user: float) -> Candidate | Plan:
        """Return the plan of one routing and target, scored; as it is where it is no plan."""
        workload = self._scenario.workload.model_copy(update={"routing": routing})
        target = self._scenario.target.model_copy(update={"tokens_per_s_per_user": tokens_per_s_per_user})
        alone = {"workload": workload, "target": target, "robust": None}
        plan = make_plan(self._scenario.model_copy(update=alone), self._params, self._sink)
        if plan.status is not Status.PLANNED or plan.bound is None:
            return plan
        return Candidate(plan, plan.bound, self._scores(plan))

    def _held(self, routing: RoutingProfile) -> Candidate | Plan:
        """Return the plan of a mixture that meets the target under every routing, or comes nearest to it."""
        rate, bound = self._scenario.target.tokens_per_s_per_user, None
        found: Candidate | None = None
        for _ in range(MOST_TRIES):
            answer = self._made(routing, rate)
            if isinstance(answer, Plan):
                return found or answer
            bound = bound or answer.bound
            found = dataclasses.replace(answer, bound=bound)
            if not self._misses(found.scores):
                break
            rate *= max(one.step_s for one in found.scores) / self._target_s * (1.0 + MARGIN)
        assert found is not None
        return found

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

    def _report(self, best: Candidate, owns: Sequence[Candidate], weights: Array) -> RobustReport:
        own_usd = np.array([own.scores[index].usd for index, own in enumerate(owns)])
        bounds = [own.bound.usd_per_million_output_tokens for own in owns]
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
                    own_usd_per_million_output_tokens=float(own),
                    own_bound_usd_per_million_output_tokens=bound,
                    loss=one.usd / float(own) - 1.0,
                )
                for profile, one, own, bound in zip(self._asked.profiles, best.scores, own_usd, bounds, strict=True)
            ),
            mixture=tuple(weights.tolist()),
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

    def _written(self, best: Candidate, owns: Sequence[Candidate], weights: Array) -> Plan:
        """Return the best plan as the answer to the question asked."""
        plan, report = best.plan, self._report(best, owns, weights)
        assert plan.metrics is not None
        scenario = plan.scenario.model_copy(update={"target": self._scenario.target, "robust": self._asked})
        proven = best.bound.usd_per_million_output_tokens
        gap = 1.0 - proven / plan.metrics.usd_per_million_output_tokens
        verdict = (
            f"{scenario.model.name} on {scenario.fleet.name}: ${report.usd_per_million_output_tokens:.4g}/M output "
            f"tokens, {self._asked.objective} of {len(self._asked.profiles)} routings, at least "
            f"{1.0 / max(one.step_s for one in best.scores):.4g} tokens/s/user, "
            f"{format_count(plan.metrics.tokens_per_s)} tokens/s; plans made for each routing alone: "
            f"${report.hindsight_usd_per_million_output_tokens:.4g}/M"
        )
        changed = {
            "scenario": scenario,
            "verdict": verdict,
            "bound": Bound(usd_per_million_output_tokens=proven, relative_gap=gap),
            "robust": report,
            "provenance": build_provenance(scenario, self._params, tuple(plan.devices)),
        }
        return Plan.model_validate(plan.model_copy(update=changed).model_dump())

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
