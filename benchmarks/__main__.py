"""``python -m benchmarks``: time, size and proof on real questions, and what naive placements cost instead."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.baselines import all_on_hbm, ffn_on_sram, greedy, scenario_of
from benchmarks.measure import measure
from benchmarks.subjects import COMPARED, REAL_SIZE, SMOKE, SMOKE_COMPARED, Subject
from placer.api import DEFAULT_GAP, plan_scenario
from placer.plan.plan import Plan

COLUMNS = {
    "subject": "{}",
    "status": "{}",
    "usd_per_million": "{:.4g}",
    "gap": "{:.2%}",
    "law_gap": "{:.2%}",
    "over_law": "{:.2%}",
    "candidates": "{:.2g}",
    "boxes": "{:,}",
    "leaves": "{:,}",
    "variables": "{:,}",
    "build_s": "{:.1f}",
    "solve_s": "{:.1f}",
    "layout_s": "{:.2f}",
    "simulate_s": "{:.2f}",
    "verify_s": "{:.2f}",
    "process_s": "{:.1f}",
    "peak_gib": "{:.2f}",
    "verified": "{}",
}
NAIVE = ("all on HBM", "FFN all on SRAM", "greedy")
RATIOS = ("subject", "placer $/M", "bound", *NAIVE)


def main(
    *,
    smoke: Annotated[bool, typer.Option(help="A minute at most; fails where a proof or a check does.")] = False,
    subject: Annotated[list[str] | None, typer.Option(help="Only these, such as h200-8x@50; repeatable.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    markdown: Annotated[bool, typer.Option(help="Print Markdown instead of tables.")] = False,
) -> None:
    """Measure, each subject in a process of its own, and compare with naive placements."""
    asked = set(subject or ())

    def chosen(subjects: tuple[Subject, ...]) -> list[Subject]:
        return [entry for entry in subjects if not asked or entry.name in asked]

    rows = [measure(entry) for entry in chosen(SMOKE if smoke else REAL_SIZE)]
    ratios = [compare(entry) for entry in chosen(SMOKE_COMPARED if smoke else COMPARED)]
    if json_:
        print(json.dumps({"subjects": rows, "ratios": ratios}, indent=1))
    else:
        cells = [[_cell(row[name], form) for name, form in COLUMNS.items()] for row in rows]
        _print(tuple(COLUMNS), cells, is_markdown=markdown)
        _print(RATIOS, [[_cell(value, "{:.3g}") for value in row.values()] for row in ratios], is_markdown=markdown)
    broken = [row["subject"] for row in rows if not row["verified"]]
    if smoke:
        broken += [row["subject"] for row in rows if row["law_gap"] is None or row["law_gap"] > DEFAULT_GAP + 1e-9]
        broken += [
            row["subject"]
            for row in ratios
            if any(row[name] is not None and row[name] < row["bound"] for name in NAIVE)
        ]
    if broken:
        raise SystemExit(f"failed: {', '.join(broken)}")


def compare(subject: Subject) -> dict[str, Any]:
    """Return bound and naive placements as multiples of placer's price; None where they have no plan."""
    scenario = scenario_of(subject)
    plan: Plan = plan_scenario(scenario, budget_s=subject.budget_s)
    if plan.metrics is None or plan.bound is None:
        return dict.fromkeys(RATIOS) | {"subject": subject.name}
    own = plan.metrics.usd_per_million_output_tokens
    naive = (all_on_hbm(scenario, subject.budget_s), ffn_on_sram(scenario, subject.budget_s), greedy(scenario))
    bound = plan.bound.usd_per_million_output_tokens / own
    return dict(zip(RATIOS, (subject.name, own, bound, *(price and price / own for price in naive)), strict=True))


def _cell(value: object, form: str) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else form.format(value)


def _print(columns: tuple[str, ...], rows: list[list[str]], *, is_markdown: bool) -> None:
    if is_markdown:
        print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
        print("\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n")
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    Console(width=200).print(table)


if __name__ == "__main__":
    typer.run(main)
