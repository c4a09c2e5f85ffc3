"""What a plan is worth under several routings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placer.cost.group import Array
from placer.graph.model_graph import ModelGraph
from placer.plan.plan import Plan
from placer.robust.score import Score, score
from placer.scenario.objective import Objective
from placer.scenario.robust import Robust
from placer.scenario.routing import RoutingProfile

#: Relative differences below this are none.
NOISE = 1e-9

Scores = tuple[Score, ...]


@dataclass(frozen=True)
class Candidate:
    """A plan for a mixture of the routings, its shares, and scores under the mixture and under every routing."""

    plan: Plan
    mixture: RoutingProfile
    shares: tuple[float, ...]
    mixed: Score
    scores: Scores

    @property
    def slowest_s(self) -> float:
        """Longest step under any routing, the mixture among them [s]."""
        return max(one.step_s for one in (self.mixed, *self.scores))


@dataclass(frozen=True)
class Judge:
    """The routings asked for, the longest step that meets the target [s], and the model lowered."""

    asked: Robust
    target_s: float
    model: ModelGraph

    def scores(self, plan: Plan) -> Scores:
        """Return what a plan takes and costs under every routing."""
        return tuple(score(plan, profile.routing, self.model) for profile in self.asked.profiles)

    def misses(self, scores: Scores) -> tuple[str, ...]:
        """Return the routings under which a plan misses the target."""
        slow = [one.step_s > self.target_s * (1.0 + NOISE) for one in scores]
        return tuple(profile.name for profile, is_slow in zip(self.asked.profiles, slow, strict=True) if is_slow)

    def holds(self, candidate: Candidate) -> bool:
        """Return whether a candidate meets the target under every routing and the mixture."""
        return candidate.slowest_s <= self.target_s * (1.0 + NOISE)

    def value(self, prices: Sequence[float] | Array) -> float:
        """Return the mean or the worst of prices."""
        return float(np.mean(prices) if self.asked.objective is Objective.MEAN else np.max(prices))

    def rank(self, candidate: Candidate) -> tuple[bool, float]:
        """Return what candidates are sorted by: those that hold first, then the objective."""
        return not self.holds(candidate), self.value(usd(candidate.scores))


def usd(scores: Scores) -> Array:
    """Return the prices, shape (num_routings,)."""
    return np.array([one.usd for one in scores])
