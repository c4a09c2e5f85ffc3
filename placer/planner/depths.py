"""The search over the ways to draft: each is a search of its own, under one incumbent.

Each works in steps of a sequence; results are turned into tokens here. No way to draft is left out of the bound: it is
the least over all of them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from placer.graph.lower import lower
from placer.planner.drafting import Choice, draft_choices
from placer.planner.feedback import Held, hold_up
from placer.planner.rescore import Achieved
from placer.planner.solve import Solved, build_searcher, prefill_of, solve
from placer.progress import ProgressSink
from placer.scenario.scenario import Scenario
from placer.search.leaf import Found
from placer.search.params import SolveParams
from placer.search.solve import Searcher, Stop

#: What is known of ways to draft that nobody looked at: nothing costs less than nothing.
_UNSEARCHED = Solved(None, 0.0, Stop.BUDGET, ())


@dataclass(frozen=True)
class Depth:
    """What was found for one way to draft; prices of ``solved`` are per step of a sequence."""

    searcher: Searcher
    solved: Solved

    @property
    def draft_tokens(self) -> int:
        """Tokens drafted of every sequence in a step."""
        return self.searcher.cost.step.draft_tokens

    @property
    def choice(self) -> Choice:
        """The way to draft."""
        return self.draft_tokens, self.searcher.cost.step.beside

    @property
    def gained(self) -> float:
        """Tokens a sequence gains in a step."""
        return self.searcher.cost.step.gained

    @property
    def price(self) -> float:
        """Price by the law of the best plan found [USD per million tokens]; inf without one."""
        return np.inf if self.solved.found is None else self.solved.found.value / self.gained

    @property
    def bound(self) -> float:
        """No plan with as many tokens drafted costs less [USD per million tokens]."""
        return self.solved.bound / self.gained

    def in_tokens(self, achieved: Achieved) -> Achieved:
        """Return a plan with its price per million tokens."""
        return replace(achieved, found=per_token(achieved.found, self.gained))


def per_token(found: Found, gained: float) -> Found:
    """Return a plan priced per million tokens, from one priced per million steps of a sequence."""
    return replace(found, value=found.value / gained)


def search_depths(
    scenario: Scenario, params: SolveParams, started: float, sink: ProgressSink, known: float = np.inf
) -> tuple[Depth, ...]:
    """Search every way to draft, drafting nothing first; the best price so far is the cut-off of the rest.

    The time left is shared evenly by the searches left; of those that none is left for, nothing is proven. Only plans
    cheaper than ``known`` (US dollars per million tokens) are of interest.
    """
    choices, prefill = draft_choices(scenario), None
    if scenario.service is not None:
        prefill = prefill_of(scenario, lower(scenario.model), scenario.service)
    best, found = known, list[Depth]()
    for number, choice in enumerate(choices):
        now = time.monotonic()
        if found and now > started + params.budget_s:
            return (*found, Depth(found[0].searcher, _UNSEARCHED))
        left_s = max(0.0, started + params.budget_s - now) / (len(choices) - number)
        searcher = build_searcher(scenario, params, choice, prefill)
        share = replace(params, budget_s=max(left_s, 1e-3))
        solved = solve(searcher, share, now, sink, known=best * searcher.cost.step.gained)
        found.append(Depth(searcher, solved))
        best = min(best, found[-1].price)
    return tuple(found)


def together(depths: tuple[Depth, ...]) -> Solved:
    """Return what all searches found and proved, in US dollars per million tokens."""
    best = min(depths, key=lambda depth: depth.price)
    found = None if best.solved.found is None else per_token(best.solved.found, best.gained)
    stopped = any(depth.solved.stop is Stop.BUDGET for depth in depths)
    return Solved(
        found=found,
        bound=min(depth.bound for depth in depths),
        stop=Stop.BUDGET if stopped else Stop.PROVEN if found is not None else Stop.EXHAUSTED,
        results=tuple(result for depth in depths for result in depth.solved.results),
    )


def hold_best(
    depths: tuple[Depth, ...], params: SolveParams, deadline: float
) -> tuple[Depth | None, dict[Choice, Held]]:
    """Return where the cheapest plan that holds when simulated was found, and what holds by way to draft.

    Without drafting that is always asked; elsewhere only where the law is cheaper than the best plan that holds.
    """
    held: dict[Choice, Held] = {}
    best, price = None, np.inf
    for depth in sorted(depths, key=lambda depth: (depth.price, depth.draft_tokens)):
        if not depth.solved.founds or (depth.draft_tokens and depth.price >= price):
            continue
        solved = depth.solved
        at = hold_up(depth.searcher, solved.founds, params, solved.num_nodes, deadline, solved.passed)
        held[depth.choice] = at
        if at.achieved is not None and at.achieved.found.value / depth.gained < price:
            best, price = depth, at.achieved.found.value / depth.gained
    return best, held
