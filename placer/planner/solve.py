"""The search a plan needs: pools alone first, then together, then without each pool in use."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from placer.graph.lower import lower
from placer.plan.metrics import Alternative
from placer.progress import ProgressSink
from placer.scenario.scenario import Scenario
from placer.search.leaf import Found
from placer.search.params import SolveParams
from placer.search.solve import Searcher, SearchResult, Stop

#: Share of the budget for pools on their own, and for all of them together; the rest compares without each pool.
ALONE_SHARE, TOGETHER_SHARE = 0.35, 0.85

Family = tuple[str, ...]


@dataclass(frozen=True)
class Solved:
    """All a plan is made of, before it is written down.

    Attributes
    ----------
    found
        The best plan, if any.
    bound
        No plan of the declared space costs less, US dollars per million tokens; inf if there is none.
    stop
        Why the search ended.
    results
        By families searched together: what came out.
    """

    found: Found | None
    bound: float
    stop: Stop
    results: tuple[tuple[tuple[Family, ...], SearchResult], ...]

    @property
    def num_nodes(self) -> int:
        """Nodes bounded."""
        return sum(result.num_nodes for _, result in self.results)

    @property
    def num_leaves(self) -> int:
        """Leaves settled."""
        return sum(result.num_leaves for _, result in self.results)


def build_searcher(scenario: Scenario, params: SolveParams) -> Searcher:
    """Return the searcher of a scenario, its model lowered and its tables built."""
    return Searcher(scenario, lower(scenario.model), params)


def solve(searcher: Searcher, params: SolveParams, started: float, sink: ProgressSink) -> Solved:
    """Search every family of the declared space.

    Pools alone come first: they are quick, their plans bound the rest, and they answer what a plan without the other
    pools would cost.
    """
    families = searcher.families()
    alone = tuple(family for family in families if len(family) == 1)
    together = tuple(family for family in families if len(family) > 1)
    results: list[tuple[tuple[Family, ...], SearchResult]] = []
    best, found, bound, stop = np.inf, None, np.inf, Stop.EXHAUSTED
    for family in alone:
        deadline = started + params.budget_s * ALONE_SHARE
        result = searcher.search((family,), np.inf, deadline, sink)
        results.append(((family,), result))
        bound = min(bound, result.bound)
        stop = Stop.BUDGET if result.stop is Stop.BUDGET else stop
        if result.found is not None and result.found.value < best:
            found, best = result.found, result.found.value
    if together:
        result = searcher.search(together, best, started + params.budget_s * TOGETHER_SHARE, sink)
        results.append((together, result))
        found, bound = result.found or found, min(bound, result.bound)
        stop = Stop.BUDGET if result.stop is Stop.BUDGET else stop
    if stop is not Stop.BUDGET and found is not None:
        stop = Stop.PROVEN
    return Solved(found, bound, stop, tuple(results))


def alternatives(
    searcher: Searcher, solved: Solved, params: SolveParams, started: float, sink: ProgressSink
) -> tuple[Alternative, ...]:
    """Return the best plan without each pool; for a pool that is not in use that is the plan itself."""
    found = solved.found
    if found is None:
        return ()
    used = {shape.pool for shape in found.candidate.shapes}
    entries = []
    for pool in searcher.pool_names:
        if pool not in used:
            entries.append(
                Alternative(
                    without_pool=pool,
                    usd_per_million_output_tokens=found.value,
                    bound_usd_per_million_output_tokens=min(solved.bound, found.value),
                    note="not in use",
                )
            )
        else:
            entries.append(_without(searcher, solved, pool, (params, started, sink)))
    return tuple(entries)


def _without(
    searcher: Searcher, solved: Solved, pool: str, how: tuple[SolveParams, float, ProgressSink]
) -> Alternative:
    params, started, sink = how
    families = searcher.families(without=frozenset({pool}))
    done = [result for members, result in solved.results if len(members) == 1 and members[0] in families]
    best = min((result.found.value for result in done if result.found is not None), default=np.inf)
    bound = min((result.bound for result in done), default=np.inf)
    stopped = any(result.stop is Stop.BUDGET for result in done)
    pairs = tuple(family for family in families if len(family) > 1)
    if pairs:
        deadline = max(started + params.budget_s, time.monotonic() + 0.1)
        result = searcher.search(pairs, best, deadline, sink)
        best = result.found.value if result.found is not None else best
        bound, stopped = min(bound, result.bound), stopped or result.stop is Stop.BUDGET
    bound = min(bound, best)
    note = ""
    if not np.isfinite(best):
        note = "none found in time" if stopped else "no other pool can be used" if not families else "infeasible"
    return Alternative(
        without_pool=pool,
        usd_per_million_output_tokens=best if np.isfinite(best) else None,
        bound_usd_per_million_output_tokens=bound if np.isfinite(bound) else None,
        note=note,
    )
