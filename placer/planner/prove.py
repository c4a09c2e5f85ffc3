"""What no plan of a scenario can beat, for a plan that was not found by searching it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from placer.graph.lower import lower
from placer.plan.provenance import SearchReport
from placer.progress import ignore
from placer.scenario.scenario import Scenario, assert_consistent
from placer.search.params import SolveParams
from placer.search.solve import Layouts, Searcher


@dataclass(frozen=True)
class Proof:
    """What a search proved.

    Attributes
    ----------
    usd_per_million_output_tokens
        No plan of the declared space costs less.
    search
        What the search did.
    """

    usd_per_million_output_tokens: float
    search: SearchReport


def prove(scenario: Scenario, price: float, params: SolveParams) -> Proof:
    """Return a bound on the price of all plans of the declared space.

    The space is searched with expert loads that no layout can avoid, for plans cheaper than the one that is known.

    Parameters
    ----------
    scenario
        Model, fleet, workload, target, declared space.
    price
        What the known plan costs [USD per million output tokens].
    params
        Gap at which to stop, budget and seed.

    Raises
    ------
    ScenarioError
        If model, fleet, workload and target do not go together.
    """
    assert_consistent(scenario)
    started = time.monotonic()
    searcher = Searcher(scenario, lower(scenario.model), params, Layouts.RELAXED)
    result = searcher.search(searcher.families(), price, time.monotonic() + params.budget_s, ignore)
    report = SearchReport(
        candidates=searcher.num_candidates,
        nodes=result.num_nodes,
        leaves=result.num_leaves,
        largest_model_variables=searcher.largest_model(result.found),
        stopped=str(result.stop),
        wall_s=time.monotonic() - started,
    )
    return Proof(min(result.bound, price), report)
