"""Measuring one subject: ``python -m benchmarks.measure MODEL FLEET TPS_USER ISL OSL BUDGET_S`` prints JSON."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from benchmarks.subjects import Subject

_Row = dict[str, Any]


def measure(subject: Subject) -> _Row:
    """Return what a fresh process takes for a subject, from start to verified plan."""
    arguments = [
        subject.model,
        subject.fleet,
        *map(str, (subject.tps_user, subject.isl, subject.osl, subject.budget_s)),
    ]
    started = time.perf_counter()
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", *arguments], check=True, capture_output=True, text=True
    )
    row: _Row = json.loads(child.stdout)
    return {"subject": subject.name, **row, "process_s": time.perf_counter() - started}


def _timed(spent: dict[str, float], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - started

    return timed


def _run(model: str, fleet: str, numbers: list[float]) -> _Row:
    from placer import verify
    from placer.api import DEFAULT_GAP, build_scenario, plan_scenario
    from placer.planner import planner
    from placer.search import leaf

    spent: dict[str, float] = defaultdict(float)
    planner.build_searcher = _timed(spent, "build", planner.build_searcher)
    planner.solve = _timed(spent, "solve", planner.solve)
    planner.alternatives = _timed(spent, "solve", planner.alternatives)
    planner.hold_up = _timed(spent, "simulate", planner.hold_up)
    for name in ("construct", "solve_layout"):
        setattr(leaf, name, _timed(spent, "layout", getattr(leaf, name)))
    tps_user, isl, osl, budget_s = numbers
    scenario = build_scenario(
        model,
        fleet,
        workload={"input_tokens": int(isl), "output_tokens": int(osl)},
        target={"tokens_per_s_per_user": tps_user},
    )
    plan = plan_scenario(scenario, gap=DEFAULT_GAP, budget_s=budget_s)
    started = time.perf_counter()
    report = verify(plan)
    return {
        "status": str(plan.status),
        "usd_per_million": plan.metrics.usd_per_million_output_tokens if plan.metrics else None,
        "gap": plan.bound.relative_gap if plan.bound else None,
        "law_gap": plan.bound.law_relative_gap if plan.bound else None,
        "over_law": plan.metrics.step_time_s / plan.metrics.law_step_time_s - 1 if plan.metrics else None,
        "candidates": plan.search.candidates,
        "boxes": plan.search.nodes,
        "leaves": plan.search.leaves,
        "variables": plan.search.largest_model_variables,
        "build_s": spent["build"],
        "solve_s": spent["solve"],
        "layout_s": spent["layout"],
        "simulate_s": spent["simulate"],
        "verify_s": time.perf_counter() - started,
        "verified": report.status == "verified",
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1], sys.argv[2], [float(text) for text in sys.argv[3:]])))
