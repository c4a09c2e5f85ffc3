"""``python -m benchmarks.replan``: what moves after losing one of 32 expert ranks, for several routings.

256 experts in 288 slots on 32 ranks, balanced from nothing; then a rank is lost. Routings: zipf laws, a lognormal one,
and, where ``PLACER_SHARED`` (or ``../shared``) has them, measured counts of OLMoE: four domains side by side.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placer.plan.replanning import Shares
from placer.replan.assignment import Problem, lists_of, num_moves, table_of
from placer.replan.fresh import fresh_balance
from placer.replan.matched import matched_to
from placer.replan.order import Action, order_moves
from placer.replan.rebalance import Limits, Rebalanced, rebalance

RANKS, SLOTS, EXPERTS = 32, 9, 256
_COUNTS = Path("data") / "expert_counts_olmoe_mixtral.json"
_DOMAINS = ("arxiv", "book", "c4", "github")


def routings() -> dict[str, NDArray[np.float64]]:
    """Return loads by name, each of shape (experts,)."""
    rank = np.arange(1.0, EXPERTS + 1.0)
    found = {f"zipf {exponent}": rank**-exponent for exponent in (0.3, 0.5, 0.7, 0.9, 1.1)}
    found["lognormal 0.9"] = np.random.default_rng(0).lognormal(0.0, 0.9, EXPERTS)
    shared = Path(os.environ.get("PLACER_SHARED", Path(__file__).resolve().parents[2] / "shared")) / _COUNTS
    if shared.is_file():
        data = json.loads(shared.read_text())["data"]
        for index, layer in enumerate((0, 7, 15)):
            parts = [data[f"olmoe/expert_counts/{name}.pkl"]["counts"][index] for name in _DOMAINS]
            found[f"OLMoE layer {layer}"] = np.concatenate([np.array(part, dtype=np.float64) for part in parts])
    return found


COLUMNS = (
    "routing",
    "lost rank",
    "had no copy",
    "moves",
    "at least",
    "moves/bound",
    "naive",
    "fullest/fresh",
    "fresh/mean",
    "s",
    "steps",
    "staged",
)


def main() -> None:
    """Print a table for either kind of shares."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replan", description=__doc__)
    parser.add_argument("--shares", choices=[*Shares], nargs="+", default=[*Shares], help="default: %(default)s")
    parser.add_argument("--lost", type=int, nargs="+", default=[0], metavar="RANK", help="lost one by one; default: 0")
    arguments = parser.parse_args()
    for shares in arguments.shares:
        print(f"{shares} shares\n")
        print("| " + " | ".join(COLUMNS) + " |")
        print("|" + "---|" * len(COLUMNS))
        for name, loads in routings().items():
            for lost in arguments.lost:
                print("| " + " | ".join((name, *_row(loads, lost, Shares(shares)))) + " |", flush=True)
        print()


def _row(loads: NDArray[np.float64], lost: int, shares: Shares) -> tuple[str, ...]:
    nothing = np.zeros((RANKS, EXPERTS), dtype=np.bool_)
    old = lists_of(fresh_balance(Problem(nothing, loads, SLOTS)))
    alive = [rank for rank in range(RANKS) if rank != lost]
    started = time.perf_counter()
    done: Rebalanced = rebalance(old, loads, SLOTS, ranks_alive=alive, limits=Limits(shares=shares))
    seconds = time.perf_counter() - started
    before = [old[rank] for rank in alive]
    problem = Problem(table_of(before, EXPERTS), loads, SLOTS)
    naive = num_moves(matched_to(problem, fresh_balance(problem)), problem.old)
    steps = order_moves(before, done.experts_by_rank, SLOTS)
    return (
        str(lost),
        str(done.restored_moves),
        str(done.moves),
        str(done.lower_bound_moves),
        f"{done.moves / done.lower_bound_moves:.2f}",
        str(naive),
        f"{done.max_load / done.fresh_max_load:.4f}",
        f"{done.fresh_max_load / done.mean_load:.4f}",
        f"{seconds:.1f}",
        str(len(steps)),
        str(sum(step.action is Action.STAGE for step in steps)),
    )


if __name__ == "__main__":
    main()
