"""One curve of a frontier while it is solved: what is known of each speed, and what to ask next.

The least price at a speed never falls as the speed rises: a plan that is fast enough for one user is fast enough for
a more patient one. So the bound of a slower point holds for a faster one, the plan of a faster point serves a slower
one, and above a speed without a plan there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from placer.plan.cost import costs, per_million_output_tokens
from placer.plan.plan import Plan, Status
from placer.scenario.scenario import Scenario

#: Gaps this much larger than asked for are as asked for: searches stop at the gap, give or take the last digits.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Curve:
    """A scenario whose target speed is to be varied.

    Attributes
    ----------
    name
        What it is called in tables and pictures.
    scenario
        The question; its target speed is of no account.
    targets
        Tokens per second and user, rising.
    """

    name: str
    scenario: Scenario
    targets: tuple[float, ...]

    def at(self, index: int) -> Scenario:
        """Return the question at one of the speeds."""
        target = self.scenario.target.model_copy(update={"tokens_per_s_per_user": self.targets[index]})
        return self.scenario.model_copy(update={"target": target})


def price(plan: Plan) -> float:
    """Return what is minimised, per million output tokens [USD]: of a whole service, the price of requests.

    Raises
    ------
    ValueError
        If there is no plan.
    """
    cost, _ = costs(plan)
    if cost is None:
        raise ValueError("there is no plan")
    return per_million_output_tokens(plan.scenario, cost)


def bound(plan: Plan) -> float:
    """Return what no plan of its question costs less than, in units of `price`; 0 where nothing is proven."""
    _, least = costs(plan)
    return 0.0 if least is None else per_million_output_tokens(plan.scenario, least)


@dataclass
class Known:
    """What is known of the points of a curve.

    Attributes
    ----------
    curve, relative_gap
        What is asked, and the gap that is good enough.
    answers
        By index: what was solved for.
    """

    curve: Curve
    relative_gap: float
    answers: dict[int, Plan] = field(default_factory=dict)

    def floor(self, index: int) -> float:
        """Return what no plan at a speed costs less than: the highest bound of this and slower points."""
        return max((bound(plan) for at, plan in self.answers.items() if at <= index), default=0.0)

    def is_out_of_reach(self, index: int) -> bool:
        """Return whether a point that is no faster has no plan."""
        return any(plan.status is Status.INFEASIBLE for at, plan in self.answers.items() if at <= index)

    def best(self, index: int) -> tuple[int, Plan] | None:
        """Return the cheapest plan that is fast enough, and the point that asked for it: the slowest of equal ones."""
        target = self.curve.targets[index]
        fast = [
            (price(plan), at, plan)
            for at, plan in self.answers.items()
            if plan.metrics is not None and (at == index or plan.metrics.tokens_per_s_per_user >= target)
        ]
        return min(fast, key=lambda entry: entry[:2])[1:] if fast else None

    def gap(self, index: int) -> float | None:
        """Return the share by which a plan at this speed may be cheaper than the best known; None without a plan."""
        best = self.best(index)
        return None if best is None else max(0.0, 1.0 - self.floor(index) / price(best[1]))

    def is_settled(self, index: int) -> bool:
        """Return whether nothing need be solved at a point: it was, or its neighbours decide it."""
        if index in self.answers or self.is_out_of_reach(index):
            return True
        gap = self.gap(index)
        return gap is not None and gap <= self.relative_gap * (1.0 + ROUNDING)

    def waves(self) -> Iterator[list[int]]:
        """Yield the points to solve side by side, one wave after another; the next depends on the answers.

        Slowest and fastest first, then the middle of every interval, so that neighbours can decide points in between.
        """
        for wave in bisected(len(self.curve.targets)):
            asked = [index for index in wave if not self.is_settled(index)]
            if asked:
                yield asked


def bisected(number: int) -> list[list[int]]:
    """Return the indices below a number in waves: both ends, then middles.

    >>> bisected(5)
    [[0, 4], [2], [1, 3]]
    >>> bisected(1), bisected(2)
    ([[0]], [[0, 1]])
    """
    waves = [sorted({0, number - 1})]
    intervals: Sequence[tuple[int, int]] = [(0, number - 1)]
    while intervals := [(low, high) for low, high in intervals if high - low > 1]:
        middles = [(low + high) // 2 for low, high in intervals]
        waves.append(middles)
        halves = zip(intervals, middles, strict=True)
        intervals = [half for (low, high), middle in halves for half in ((low, middle), (middle, high))]
    return waves
