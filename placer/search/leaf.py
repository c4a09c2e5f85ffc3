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
from placer.search.sizing.build import Candidate, ProblemBuilder
from placer.search.sizing.model import RANGE_WORK_LIMIT, solve_sizing
from placer.search.sizing.problem import SizingProblem
from placer.search.value import Valuation

#: Literals a layout model may have; larger ones would take longer than all the rest.
LARGEST_LAYOUT = 2_000
#: A bound search never needs a step longer than this [s].
LONGEST_STEP_S = 1_000.0


@dataclass(frozen=True)
class Found:
    """A plan in the making: groups, batch and layout, what is rented, what a token costs."""

    usd_per_million_tokens: float
    candidate: Candidate
    layout: Layout
    rental: Rental
    step_s: float


@dataclass(frozen=True)
class Settled:
    """What is known of a leaf.

    Attributes
    ----------
    bound
        No plan of the leaf costs less, US dollars per million tokens; inf if there is none.
    found
        A plan cheaper than asked for, if one was found.
    """

    bound: float
    found: Found | None


class LeafSolver:
    """Settles leaves."""

    def __init__(self, builder: ProblemBuilder, valuation: Valuation, params: SolveParams, step_s: float) -> None:
        self._builder, self._valuation, self._params = builder, valuation, params
        self._target_s = step_s

    def _price(self, candidate: Candidate, step_s: float) -> float:
        """Return what tokens cost at a step time; inf where inventory or caps forbid it."""
        tokens = float(candidate.most * candidate.in_flight)
        best = self._valuation.best(candidate.shapes, tokens / max(step_s, 1e-15))
        return np.inf if best is None else best[0]

    def _longest(self, candidate: Candidate, price: float) -> float:
        tokens = float(candidate.most * candidate.in_flight)
        longest = self._valuation.longest_step_s(candidate.shapes, tokens, price)
        return min(LONGEST_STEP_S, longest)

    def bound(self, candidate: Candidate, price: float) -> float:
        """Return a lower bound for all batch sizes of a range, or ``price`` if none is cheaper."""
        longest = self._longest(candidate, price)
        problem = self._builder.build(candidate, relaxed_batch, longest)
        if candidate.side is None:
            cut = cut_one_group(problem)
            return np.inf if cut is None else self._price(candidate, lowered(cut[1], problem.num_terms))
        sizing = solve_sizing(problem, self._params, RANGE_WORK_LIMIT)
        if sizing is None:
            return price if np.isfinite(price) else np.inf
        return self._price(candidate, lowered(sizing.bound, problem.num_terms))

    def settle(self, candidate: Candidate, price: float) -> Settled:
        """Return the best plan at one batch size, if it costs less than ``price``, and a bound on all of them."""
        longest = min(self._target_s, self._longest(candidate, price))
        problem = self._builder.build(candidate, exact_batch, longest)
        if candidate.side is None:
            cut = cut_one_group(problem)
            if cut is None or cut[1] > problem.longest:
                return Settled(np.inf if cut is None else max(price, self._price(candidate, seconds(cut[1]))), None)
            bound = self._price(candidate, lowered(cut[1], problem.num_terms))
            return Settled(bound, self._found(candidate, cut[0], cut[1]))
        return self._settle_pair(candidate, problem, price)

    def _settle_pair(self, candidate: Candidate, problem: SizingProblem, price: float) -> Settled:
        sizing = solve_sizing(problem, self._params)
        if sizing is None:
            return Settled(price, None)
        bound = self._price(candidate, lowered(sizing.bound, problem.num_terms))
        layout = construct(problem, sizing) if sizing.counts else None
        found = None
        if layout is not None:
            time = evaluate(problem, layout)
            if time.fits and time.step <= problem.longest:
                found = self._found(candidate, layout, time.step)
                if time.step <= sizing.bound * (1.0 + self._params.relative_gap / 2.0):
                    return Settled(bound, found)
        if layout_size(problem) > LARGEST_LAYOUT:
            return Settled(bound, found)
        return self._lay_out(candidate, problem, (sizing.bound, layout), found)

    def _lay_out(
        self,
        candidate: Candidate,
        problem: SizingProblem,
        start: tuple[int, Layout | None],
        found: Found | None,
    ) -> Settled:
        """Settle a leaf with the layout model, which knows stages and order."""
        at_least, hint = start
        if found is not None:
            problem = dataclasses.replace(problem, longest=time_up(found.step_s))
        answer = solve_layout(problem, at_least, hint, self._params)
        if answer is None:
            bound = self._price(candidate, lowered(problem.longest, problem.num_terms))
            return Settled(bound, found)
        bound = self._price(candidate, lowered(max(at_least, answer.bound), problem.num_terms))
        if answer.layout is not None:
            step = evaluate(problem, answer.layout).step
            if found is None or seconds(step) < found.step_s:
                found = self._found(candidate, answer.layout, step)
        return Settled(bound, found)

    def _found(self, candidate: Candidate, layout: Layout, step: int) -> Found | None:
        best = self._valuation.best(candidate.shapes, candidate.most * candidate.in_flight / seconds(step))
        if best is None:
            return None
        return Found(best[0], candidate, layout, best[1], seconds(step))
