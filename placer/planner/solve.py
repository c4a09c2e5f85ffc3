"""The search a plan needs: pools alone first, then together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placer.cost.prefill import PrefillKind
from placer.cost.step_load import in_steps, step_load
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.memo import Memo
from placer.planner.drafting import PLAIN_DECODE, Choice
from placer.progress import ProgressSink
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service
from placer.search.leaf import Found
from placer.search.params import SolveParams
from placer.search.service.capacity import Prefill
from placer.search.service.kinds import prefill_kinds
from placer.search.service.value import ServiceValuation
from placer.search.solve import Searcher, SearchResult, Stop

#: Share of the budget for pools on their own, and for all of them together; the rest compares without each pool.
ALONE_SHARE, TOGETHER_SHARE = 0.35, 0.85

Family = tuple[str, ...]
#: Kinds of prefill groups, by pool.
_KINDS = Memo[dict[str, tuple[PrefillKind, ...]]](8)


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
    def founds(self) -> tuple[Found, ...]:
        """The best plan of every search that found one."""
        return tuple(result.found for _, result in self.results if result.found is not None)

    @property
    def passed(self) -> tuple[Found, ...]:
        """Plans that were the best of a search until a better one was found."""
        return tuple(found for _, result in self.results for found in result.passed)

    @property
    def num_nodes(self) -> int:
        """Nodes bounded."""
        return sum(result.num_nodes for _, result in self.results)

    @property
    def num_leaves(self) -> int:
        """Leaves settled."""
        return sum(result.num_leaves for _, result in self.results)


def build_searcher(
    scenario: Scenario, params: SolveParams, choice: Choice = PLAIN_DECODE, prefill: Prefill | None = None
) -> Searcher:
    """Return the searcher of a scenario and a way to draft, its model lowered and its tables built.

    Its targets, and the prices it finds, are in steps of a sequence (`placer.cost.step_load.in_steps`). Where prefill
    has devices of its own, prices include them: ``prefill`` saves finding out what they can do.
    """
    load, model = step_load(scenario, *choice), lower(scenario.model)
    stepped = in_steps(scenario, load.gained)
    prices = None
    if scenario.service is not None:
        prices = ServiceValuation(stepped, prefill or prefill_of(scenario, model, scenario.service), load.gained)
    return Searcher(stepped, model, params, step=load, prices=prices)


def prefill_of(scenario: Scenario, model: ModelGraph, service: Service) -> Prefill:
    """Return what the pools of a fleet can do for prefill."""
    pools = [pool.name for pool in scenario.fleet.pools]
    make = lambda: {pool: prefill_kinds(scenario, model, service, pool) for pool in pools}  # noqa: E731
    kinds = _KINDS.get(scenario.speedless_key, make)
    return Prefill(scenario, service, model, kinds)


def solve(searcher: Searcher, params: SolveParams, started: float, sink: ProgressSink, known: float = np.inf) -> Solved:
    """Search every family of the declared space.

    Pools alone come first: they are quick, their plans bound the rest, and they answer what a plan without the other
    pools would cost. Only plans cheaper than ``known`` are of interest.
    """
    families = searcher.families()
    alone = tuple(family for family in families if len(family) == 1)
    together = tuple(family for family in families if len(family) > 1)
    results: list[tuple[tuple[Family, ...], SearchResult]] = []
    best, found, bound, stop = known, None, np.inf, Stop.EXHAUSTED
    for family in alone:
        deadline = started + params.budget_s * (ALONE_SHARE if together else TOGETHER_SHARE)
        result = searcher.search((family,), known, deadline, sink)
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
