"""``python -m benchmarks.hot_experts``: what hot experts are worth, and what naive choices of them cost instead.

Sixteen Rubin and as many LPX chips as hold a share of the routed experts, both rented whole, so that prices compare
throughput. Baselines: *none*, the best plan of the host pool alone, which the idle chips are added to; *by hit rate*
and *uniform share* (`benchmarks.hot_experts.pinned`).
"""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.hot_experts.cases import CASES, HOST, SIDE, Case
from benchmarks.hot_experts.pinned import best_price
from benchmarks.hot_experts.pins import hottest_first, uniform_share
from placer.api import DEFAULT_GAP, plan_scenario
from placer.plan.placement import Way
from placer.planner.solve import build_searcher
from placer.progress import ignore
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams
from placer.verify.context import context_of

COLUMNS = {
    "case": "{}",
    "chips": "{:,}",
    "$/M": "{:.4g}",
    "gap": "{:.2%}",
    "s": "{:.1f}",
    "split": "{}",
    "relay": "{}",
    "none": "{:.3f}",
    "by hit rate": "{:.3f}",
    "uniform share": "{:.3f}",
}


def main(
    *,
    case: Annotated[list[str] | None, typer.Option(help="Only these, such as Kimi-K2/20%/mixed; repeatable.")] = None,
    budget_s: Annotated[float, typer.Option(help="Seconds a search may take.")] = 30.0,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    markdown: Annotated[bool, typer.Option(help="Print Markdown instead of a table.")] = False,
) -> None:
    """Plan every case, and price the naive choices as multiples of the plan."""
    chosen = [entry for entry in CASES if not case or entry.name in case]
    if markdown:
        print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for entry in chosen:
        row = measure(entry, budget_s)
        cells = ["-" if row[name] is None else form.format(row[name]) for name, form in COLUMNS.items()]
        print(json.dumps(row) if json_ else f"| {' | '.join(cells)} |" if markdown else "  ".join(cells), flush=True)


def measure(case: Case, budget_s: float) -> dict[str, Any]:
    """Return the row of a case: the plan, and each baseline's price over the plan's; None where it has no plan."""
    scenario, started = case.scenario(), time.perf_counter()
    plan = plan_scenario(scenario, budget_s=budget_s)
    seconds, context = time.perf_counter() - started, context_of(plan)
    if plan.metrics is None or plan.bound is None or context is None or len(plan.groups) < 2:
        return dict.fromkeys(COLUMNS) | {"case": case.name, "s": seconds}
    own = plan.metrics.usd_per_million_output_tokens
    ways = [layer.way for layer in context.placement.layers if layer.layer in context.selections]
    pinned = (best_price(context, choose) for choose in (hottest_first, uniform_share))
    prices = (none_price(scenario, budget_s), *(entry and entry.usd_per_million for entry in pinned))
    row = (
        *(case.name, scenario.fleet.pool(SIDE).count, own, plan.bound.relative_gap, seconds),
        *(ways.count(Way.SPLIT), len(ways) - ways.count(Way.SPLIT) - ways.count(Way.NEAR)),
        *(price and price / own for price in prices),
    )
    return dict(zip(COLUMNS, row, strict=True))


def none_price(scenario: Scenario, budget_s: float) -> float | None:
    """Return the price with all experts on the host and the sidecar idle: the host pool's best, at the rent of both."""
    target = scenario.target.model_copy(update={"required_pools": (HOST,)})
    params = SolveParams(relative_gap=DEFAULT_GAP)
    searcher = build_searcher(scenario.model_copy(update={"target": target}), params)
    found = searcher.search(((HOST,),), np.inf, time.monotonic() + budget_s, ignore).found
    if found is None:
        return None
    fleet = scenario.fleet
    rent = {name: fleet.pool(name).count * fleet.device_of(name).price[fleet.price_basis] for name in (HOST, SIDE)}
    return found.value * sum(rent.values()) / rent[HOST]


if __name__ == "__main__":
    typer.run(main)
