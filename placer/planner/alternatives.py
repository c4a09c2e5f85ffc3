"""What a plan costs without each pool: searched, simulated and sized like the plan itself."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from placer.plan.metrics import Alternative
from placer.planner.feedback import hold_up
from placer.planner.rescore import Achieved
from placer.planner.solve import Solved
from placer.progress import ProgressSink
from placer.search.params import SolveParams
from placer.search.solve import Searcher, Stop

#: Wall seconds that sizing again may take when the budget is spent.
LEAST_S = 1.0


@dataclass(frozen=True)
class Without:
    """The best plan without one pool: what it achieves, the bound, and why there is none."""

    achieved: Achieved | None
    bound: float
    note: str

    @property
    def price(self) -> float:
        """US dollars per million tokens; inf without a plan."""
        return np.inf if self.achieved is None else self.achieved.found.value


def alternatives(
    searcher: Searcher, solved: Solved, plan: Achieved, params: SolveParams, started: float, sink: ProgressSink
) -> tuple[Achieved, tuple[Alternative, ...]]:
    """Return the plan and the best plan without each pool.

    For a pool that is not in use that is the plan itself. A plan found without a pool may turn out cheaper, since both
    were sized again after their simulation; then it is the plan.
    """
    without = {
        pool: _without(searcher, solved, pool, (params, started, sink))
        for pool in searcher.pool_names
        if pool in _pools_of(plan)
    }
    best = min((plan, *(other.achieved for other in without.values() if other.achieved)), key=_price)
    entries = []
    for pool in searcher.pool_names:
        if pool not in _pools_of(best):
            entries.append(_entry(pool, _price(best), min(solved.bound, _price(best)), "not in use"))
        else:
            other = without.get(pool, Without(plan, solved.bound, ""))
            entries.append(_entry(pool, other.price, min(other.bound, other.price), other.note))
    return best, tuple(entries)


def _pools_of(plan: Achieved) -> set[str]:
    return {shape.pool for shape in plan.found.candidate.shapes}


def _price(plan: Achieved) -> float:
    return plan.found.value


def _entry(pool: str, price: float, bound: float, note: str) -> Alternative:
    return Alternative(
        without_pool=pool,
        usd_per_million_output_tokens=price if np.isfinite(price) else None,
        bound_usd_per_million_output_tokens=bound if np.isfinite(bound) else None,
        note=note,
    )


def _without(searcher: Searcher, solved: Solved, pool: str, how: tuple[SolveParams, float, ProgressSink]) -> Without:
    params, started, sink = how
    families = searcher.families(without=frozenset({pool}))
    done = [result for members, result in solved.results if len(members) == 1 and members[0] in families]
    founds = [result.found for result in done if result.found is not None]
    best = min((found.value for found in founds), default=np.inf)
    bound = min((result.bound for result in done), default=np.inf)
    stopped = any(result.stop is Stop.BUDGET for result in done)
    pairs = tuple(family for family in families if len(family) > 1)
    if pairs:
        deadline = max(started + params.budget_s, time.monotonic() + 0.1)
        result = searcher.search(pairs, best, deadline, sink)
        founds += [result.found] if result.found is not None else []
        bound, stopped = min(bound, result.bound), stopped or result.stop is Stop.BUDGET
    held = hold_up(searcher, founds, params, 0, max(started + params.budget_s, time.monotonic() + LEAST_S))
    if held.achieved is not None:
        return Without(held.achieved, bound, "")
    note = "none found in time" if stopped else "no other pool can be used" if not families else "infeasible"
    return Without(None, bound, "none found holds when simulated" if founds else note)
