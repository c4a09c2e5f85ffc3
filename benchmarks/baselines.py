"""Naive placements, priced with the product's own cost tables, so that only the decision differs.

all on HBM
    The best plan without the SRAM pool: any shapes, batch, replicas.
FFN all on SRAM
    The best plan in which every FFN and every expert lies on the sidecar (``direct`` or ``relay``): any shapes, batch.
greedy
    One host as wide as its scale-up domain, one stage; the whole SRAM inventory as its sidecar, a domain wide; layers'
    FFNs go to the sidecar in order until it is full; the largest batch that meets the target.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.subjects import Subject
from placer.api import DEFAULT_GAP, build_scenario
from placer.catalog.device import TierKind
from placer.cost.shape import GroupShape
from placer.plan.placement import Way
from placer.planner.solve import build_searcher
from placer.progress import ignore
from placer.scenario.scenario import Scenario
from placer.search import nodes, rows
from placer.search.layout.evaluate import evaluate
from placer.search.layout.layout import Layout, class_of_layer
from placer.search.params import SolveParams
from placer.search.sizing.build import Candidate
from placer.search.solve import Searcher
from placer.search.tables import CostModel

PARAMS = SolveParams(relative_gap=DEFAULT_GAP)


def scenario_of(subject: Subject) -> Scenario:
    """Return the question of a subject."""
    return build_scenario(
        subject.model,
        subject.fleet,
        workload={"input_tokens": subject.isl, "output_tokens": subject.osl},
        target={"tokens_per_s_per_user": subject.tps_user},
    )


def fast_pool(scenario: Scenario) -> str:
    """Return the pool a naive planner calls the sidecar: SRAM, else the last one."""
    pools = scenario.fleet.pools
    fast = [p.name for p in pools if scenario.fleet.device_of(p.name).compute_tier.tier is TierKind.SRAM]
    return fast[0] if fast else pools[-1].name


def all_on_hbm(scenario: Scenario, budget_s: float) -> float | None:
    """Return the price without the sidecar's pool."""
    searcher = build_searcher(scenario, PARAMS)
    families = searcher.families(without=frozenset({fast_pool(scenario)}))
    result = searcher.search(families, np.inf, time.monotonic() + budget_s, ignore)
    return None if result.found is None else result.found.value


@contextmanager
def only(*ways: Way) -> Iterator[None]:
    """Restrict layers to some ways wherever a replica has two groups."""
    original = rows.placements_of

    def restricted(cost: CostModel, index: int, *, has_side: bool) -> tuple[rows.Placement, ...]:
        placements = original(cost, index, has_side=has_side)
        return tuple(entry for entry in placements if entry.way in ways) if has_side else placements

    rows.placements_of = nodes.placements_of = restricted
    try:
        yield
    finally:
        rows.placements_of = nodes.placements_of = original


def ffn_on_sram(scenario: Scenario, budget_s: float) -> float | None:
    """Return the price with every FFN on the sidecar."""
    fast = fast_pool(scenario)
    with only(Way.DIRECT, Way.RELAY):
        searcher = build_searcher(scenario, PARAMS)
        families = tuple(family for family in searcher.families() if len(family) == 2 and family[1] == fast)
        result = searcher.search(families, np.inf, time.monotonic() + budget_s, ignore)
    return None if result.found is None else result.found.value


def greedy(scenario: Scenario) -> float | None:
    """Return the price of filling the sidecar layer by layer; None if no batch meets the target."""
    searcher, fleet = build_searcher(scenario, PARAMS), scenario.fleet
    fast = fast_pool(scenario)
    host_pool = next(pool for pool in fleet.pools if pool.name != fast)
    side_pool = fleet.pool(fast)
    experts = min((ops.moe.num_experts for ops in searcher.cost.model.layer_ops if ops.moe), default=1)
    host_width = min(host_pool.domain, host_pool.count)
    side_width = min(side_pool.domain, side_pool.count)
    host = GroupShape(host_pool.name, 1, host_width, 1, _cut(host_width, experts))
    side = GroupShape(fast, side_pool.count // side_width, side_width, 1, _cut(side_width, experts))
    low, high, best = 1, searcher.cost.scenario.space.max_rank_batch, None
    while low <= high:
        ranks = (low + high) // 2
        price = _greedy_price(searcher, Candidate(host, side, 1, ranks * host.dp, ranks * host.dp))
        if price is None:
            high = ranks - 1
        else:
            low, best = ranks + 1, price
    return best


def _cut(width: int, experts: int) -> int:
    return next(cut for cut in range(1, width + 1) if width % cut == 0 and width // cut <= max(experts, 1))


def _greedy_price(searcher: Searcher, candidate: Candidate) -> float | None:
    problem = searcher.placed_builder.exact(candidate)
    classes, ways, stages = class_of_layer(problem), [], []
    stage, left = 0, problem.capacity[1]
    for index in classes:
        table = problem.classes[index]
        near = next(i for i, entry in enumerate(table.placements) if entry.way is Way.NEAR)
        relay = next(i for i, entry in enumerate(table.placements) if entry.way is Way.RELAY)
        held = int(table.side_bytes[relay])
        if held > left and stage + 1 < problem.stages[1]:
            stage, left = stage + 1, problem.capacity[1]
        fits = held <= left
        left -= held if fits else 0
        ways.append(relay if fits else near)
        stages.append(stage)
    layout = Layout(tuple(ways), ((0,) * len(ways), tuple(stages)), (False, False))
    step = evaluate(problem, layout)
    if not step.fits or step.step * 1e-12 > searcher.cost.scenario.target.step_time_s:
        return None
    best = searcher.prices.best(candidate.shapes, float(candidate.most), step.step * 1e-12)
    return None if best is None else best[0]
