"""Leaves of the branch-and-bound: groups, microbatches in flight and a range of sizes, settled by CP-SAT."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from placer.cost.group import exact_batch, relaxed_batch
from placer.cost.money import Rental
from placer.search.layout.construct import construct, cut_one_group
from placer.search.layout.evaluate import evaluate
from placer.search.layout.layout import Layout
from placer.search.layout.model import layout_size, solve_layout
from placer.search.params import SolveParams
from placer.search.quantize import lowered, seconds, time_up
from placer.search.sizing.build import LONGEST_STEP_S, Candidate, ProblemBuilder
from placer.search.sizing.model import WORK_LIMIT, fluid_bound, is_hopeless, solve_sizing
from placer.search.sizing.problem import SizingProblem
from placer.search.value import Objective

#: Literals a layout model may have; larger ones would take longer than all the rest.
LARGEST_LAYOUT = 2_000
#: Gap at which a leaf counts as settled.
FINAL_GAP = 1e-4
#: How much harder every further try at a leaf works, and how many tries there are.
EFFORT_GROWTH, LAST_EFFORT = 8, 2
#: How hard a leaf is tried that was only picked at random.
LEAST_EFFORT = -1


@dataclass(frozen=True)
class Found:
    """A plan in the making: groups, batch and layout, what is rented, its value (dollars per million tokens).

    ``rounding_s`` is how much of the step time whole picoseconds may have added.
    """

    value: float
    candidate: Candidate
    layout: Layout
    rental: Rental
    step_s: float
    rounding_s: float


@dataclass(frozen=True)
class Settled:
    """What is known of a leaf.

    Attributes
    ----------
    bound
        No plan of the leaf costs less, in units of the objective; inf if there is none.
    found
        A plan cheaper than asked for, if one was found.
    """

    bound: float
    found: Found | None

    @property
    def is_final(self) -> bool:
        """Whether more work would tell little more: the plan found meets the bound, nearly."""
        return self.found is not None and self.bound >= self.found.value * (1.0 - FINAL_GAP)


class LeafSolver:
    """Settles leaves."""

    def __init__(self, builder: ProblemBuilder, objective: Objective, params: SolveParams, step_s: float) -> None:
        self._builder, self._objective, self._params = builder, objective, params
        self._target_s = step_s

    def _price(self, candidate: Candidate, step_s: float) -> float:
        """Return what tokens cost at a step time; inf where inventory or caps forbid it."""
        tokens = float(candidate.most * candidate.in_flight)
        best = self._objective.best(candidate.shapes, tokens, step_s)
        return np.inf if best is None else best[0]

    def _longest(self, candidate: Candidate, price: float) -> float:
        tokens = float(candidate.most * candidate.in_flight)
        longest = self._objective.longest_step_s(candidate.shapes, tokens, price)
        return min(LONGEST_STEP_S, longest)

    def bound(self, candidates: list[Candidate], price: float) -> float:
        """Return a lower bound for all batch sizes of a range; inf if not even the smallest meets the target.

        ``price`` where none is cheaper. Several candidates of equal pools, stages, widths and microbatches in flight
        are bounded together, by groups at least as good as all of theirs: no more is told of them than whether any
        could be cheaper.
        """
        least, most = min(one.least for one in candidates), max(one.most for one in candidates)
        largest = dataclasses.replace(candidates[0], least=least, most=most)
        smallest = dataclasses.replace(largest, most=least)
        longest_s = self._longest(largest, price)
        # At one size the two questions below are the same, and the shorter step decides.
        asks_for_target = least < most or self._target_s <= longest_s
        if asks_for_target and self._is_hopeless(candidates, smallest, self._target_s):
            return np.inf
        if len(candidates) == 1:
            return self._bound(largest, longest_s, price)
        asks_for_price = least < most or not asks_for_target
        return price if asks_for_price and self._is_hopeless(candidates, largest, longest_s) else 0.0

    def _is_hopeless(self, candidates: list[Candidate], sizes: Candidate, longest_s: float) -> bool:
        problem = self._builder.build_together(candidates, sizes, longest_s)
        if sizes.side is not None:
            return is_hopeless(problem, self._params)
        cut = cut_one_group(problem)
        return cut is None or cut[1] > problem.longest

    def _bound(self, candidate: Candidate, longest_s: float, price: float) -> float:
        """Return a bound for all sizes of a candidate: memory at the smallest, time at the largest."""
        problem = self._builder.build(candidate, relaxed_batch, longest_s)
        if candidate.side is not None:
            step = fluid_bound(problem, self._params)
        else:
            cut = cut_one_group(problem)
            step = None if cut is None or cut[1] > problem.longest else cut[1]
        if step is None:
            return price if np.isfinite(price) else np.inf
        return self._price(candidate, lowered(step, problem.num_terms))

    def settle(self, candidate: Candidate, price: float, effort: int = 0) -> Settled:
        """Return the best plan at one batch size, if it costs less than ``price``, and a bound on all of them.

        Each level of ``effort`` works eight times as hard as the one before.
        """
        longest = min(self._target_s, self._longest(candidate, price))
        problem = self._builder.build(candidate, exact_batch, longest)
        if candidate.side is None:
            cut = cut_one_group(problem)
            if cut is None or cut[1] > problem.longest:
                return Settled(np.inf if cut is None else max(price, self._price(candidate, seconds(cut[1]))), None)
            bound = self._price(candidate, lowered(cut[1], problem.num_terms))
            return Settled(bound, self._found(candidate, problem, cut[0], cut[1]))
        return self._settle_pair(candidate, problem, price, effort)

    def resized(self, found: Found, size: int) -> Found | None:
        """Return a plan with the same layout for another batch size; None if it does not fit or cannot be rented."""
        candidate = dataclasses.replace(found.candidate, least=size, most=size)
        problem = self._builder.build(candidate, exact_batch, LONGEST_STEP_S)
        time = evaluate(problem, found.layout)
        return self._found(candidate, problem, found.layout, time.step) if time.fits else None

    def _settle_pair(self, candidate: Candidate, problem: SizingProblem, price: float, effort: int) -> Settled:
        more_work = float(EFFORT_GROWTH) ** effort
        sizing = solve_sizing(problem, self._params, WORK_LIMIT * more_work)
        if sizing is None:
            return Settled(price, None)
        bound = self._price(candidate, lowered(sizing.bound, problem.num_terms))
        layout = construct(problem, sizing) if sizing.counts else None
        found = None
        if layout is not None:
            time = evaluate(problem, layout)
            if time.fits and time.step <= problem.longest:
                found = self._found(candidate, problem, layout, time.step)
                if time.step <= sizing.bound * (1.0 + self._params.relative_gap / 2.0):
                    return Settled(bound, found)
        if layout_size(problem) > LARGEST_LAYOUT * more_work:
            return Settled(bound, found)
        settled = self._lay_out(candidate, problem, (sizing.bound, layout), found)
        return settled or Settled(price, None)

    def _lay_out(
        self,
        candidate: Candidate,
        problem: SizingProblem,
        start: tuple[int, Layout | None],
        found: Found | None,
    ) -> Settled | None:
        """Settle a leaf with the layout model, which knows stages and order; None if no layout is short enough."""
        at_least, hint = start
        if found is not None:
            problem = dataclasses.replace(problem, longest=time_up(found.step_s))
        answer = solve_layout(problem, at_least, hint, self._params)
        if answer is None and found is None:
            return None
        if answer is None:
            bound = self._price(candidate, lowered(problem.longest, problem.num_terms))
            return Settled(bound, found)
        bound = self._price(candidate, lowered(max(at_least, answer.bound), problem.num_terms))
        if answer.layout is not None:
            step = evaluate(problem, answer.layout).step
            if found is None or seconds(step) < found.step_s:
                found = self._found(candidate, problem, answer.layout, step)
        return Settled(bound, found)

    def _found(self, candidate: Candidate, problem: SizingProblem, layout: Layout, step: int) -> Found | None:
        if self._builder.has_bounds_only:
            step = evaluate(self._builder.exact(candidate), layout).step
            if seconds(step) > self._target_s:
                return None
        best = self._objective.best(candidate.shapes, float(candidate.most * candidate.in_flight), seconds(step))
        if best is None:
            return None
        return Found(best[0], candidate, layout, best[1], seconds(step), seconds(problem.num_terms))
