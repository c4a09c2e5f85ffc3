"""What a plan found by the law achieves when its shards are simulated."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from placer.plan.schedule import Schedule
from placer.planner.placement import PlacementBuilder, group_plans
from placer.search.layout.layout import Layout
from placer.search.leaf import Found
from placer.search.sizing.build import Candidate
from placer.search.solve import Searcher
from placer.search.value import Objective
from placer.simulate.deployment import Deployment
from placer.simulate.engine import Load
from placer.simulate.route import build_route
from placer.simulate.schedules import schedules_for, try_schedules
from placer.simulate.steady import run_steady

#: A simulated step this little above the law's is the law's: durations are whole ticks, rounded up.
TICKS = 1e-9
#: A step that has not settled in a trial may be so much shorter in full.
ROUGH = 0.03


@dataclass(frozen=True)
class Achieved:
    """A plan whose step time was simulated.

    Attributes
    ----------
    found
        The plan, with the step time simulated, the price and the rental that follow from it.
    law_step_s
        ``max(path, m * busiest)`` of the same plan.
    schedule
        The schedule it is achieved with.
    """

    found: Found
    law_step_s: float
    schedule: Schedule

    @property
    def excess(self) -> float:
        """How far the step lies above the law's."""
        return self.found.step_s / self.law_step_s - 1.0


@dataclass(frozen=True)
class Worse:
    """A plan that misses its target when simulated, or is no cheaper than another: its step, roughly."""

    step_s: float


class Rescorer:
    """Simulates plans, and keeps count of what that took."""

    def __init__(self, searcher: Searcher, prices: Objective | None = None) -> None:
        self._searcher, self._prices = searcher, prices or searcher.prices
        self._target_s = searcher.cost.scenario.target.step_time_s
        self.num_simulated, self.num_instructions = 0, 0
        self._known: dict[tuple[Candidate, Layout], Achieved | Worse] = {}

    def score(self, found: Found, price: float) -> Achieved | Worse:
        """Return what a plan achieves under the schedule that suits it best.

        Parameters
        ----------
        found
            As the search found it: step and price are the law's.
        price
            What another plan achieves; only cheaper ones are simulated in full. It falls from call to call.
        """
        key = found.candidate, found.layout
        if key not in self._known:
            self._known[key] = self._score(found, price)
        score = self._known[key]
        if isinstance(score, Achieved) and score.found.value >= price:
            return Worse(score.found.step_s)
        return score

    def _score(self, found: Found, price: float) -> Achieved | Worse:
        program, in_flight = build_route(self._deployment(found)).program, found.candidate.in_flight
        trial = try_schedules(program, in_flight, schedules_for(in_flight, found.candidate.host.stages))
        self.num_simulated += 1
        self.num_instructions += trial.num_instructions
        rough = trial.steady.step_s * (1.0 if trial.steady.is_settled else 1.0 - ROUGH)
        if self._held(found, rough, trial.schedule, price) is None:
            return Worse(trial.steady.step_s)
        steady = trial.steady
        if not steady.is_settled:
            steady = run_steady(program, Load(in_flight, trial.schedule))
            self.num_instructions += steady.num_instructions
        return self._held(found, steady.step_s, trial.schedule, price) or Worse(steady.step_s)

    def _held(self, found: Found, step_s: float, schedule: Schedule, price: float) -> Achieved | None:
        """Return a plan with another step time; None if that misses the target or is no cheaper than ``price``."""
        if step_s <= found.step_s * (1.0 + TICKS):
            return Achieved(found, found.step_s, schedule) if found.value < price else None
        if step_s > self._target_s:
            return None
        candidate = found.candidate
        best = self._prices.best(candidate.shapes, float(candidate.most * candidate.in_flight), step_s)
        if best is None or best[0] >= price:
            return None
        held = dataclasses.replace(found, value=best[0], rental=best[1], step_s=step_s)
        return Achieved(held, found.step_s, schedule)

    def _deployment(self, found: Found) -> Deployment:
        searcher, candidate = self._searcher, found.candidate
        problem = searcher.placed_builder.exact(candidate)
        return Deployment(
            scenario=searcher.cost.scenario,
            model=searcher.cost.model,
            groups=group_plans(found),
            sequences=candidate.most,
            in_flight=candidate.in_flight,
            placement=PlacementBuilder(searcher.placed_cost, problem, found).build(),
            step=searcher.cost.step,
        )
