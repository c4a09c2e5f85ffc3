"""``docs/matrix.md``: every fleet of the catalog for a small dense, a large dense and a large MoE model."""

from __future__ import annotations

from benchmarks.studies import render
from benchmarks.studies.ask import Ask
from benchmarks.studies.evidence import Evidence
from benchmarks.studies.page import REGENERATE
from benchmarks.studies.record import Record
from placer.catalog.loader import fleet_names, load_fleet

#: Models, and the speed every user gets [tokens/s].
MODELS = {"llama-3.1-8b": 50.0, "llama-3.3-70b": 30.0, "deepseek-v3": 20.0}
#: How hard every cell is searched.
GAP, BUDGET_S = 0.05, 20.0

INTRODUCTION = """
What the whole service costs, prefill and decode, on every fleet of the catalog: 8,192 tokens in, 1,024 out, any time
to first token, no cached prefixes, no drafting, nothing quantised beyond the checkpoint. A search ends at a gap of 5
% or after 20 s of a shared core, so the prices of mixed fleets can often be improved by a longer one: *below* is what
no plan of the declared space beats. Prices are rents on the fleet's basis, so compare fleets of one basis only. A
count of estimates says how many unpublished figures a price rests on; `placer plan` lists them. Where a pool of a
mixed fleet is not rented, it does not pay at this speed. `placer plan MODEL --fleet FLEET --tps-user SPEED --gap 0.05
--budget-s 20` repeats a cell.
""".strip()


def matrix_asks() -> dict[tuple[str, str], Ask]:
    """Return the question of every cell, by model and fleet."""
    return {
        (model, fleet): Ask(model=model, fleet=fleet, tps_user=speed, is_service=True, gap=GAP, budget_s=BUDGET_S)
        for model, speed in MODELS.items()
        for fleet in fleet_names()
    }


def matrix_page(evidence: Evidence) -> str:
    """Return the page: a table a model, and what templates demand."""
    asks = matrix_asks()
    lines = ["# Every fleet, three models", "", REGENERATE, "", INTRODUCTION]
    for model, speed in MODELS.items():
        lines += ["", f"## {model} at {speed:g} tokens/s per user", ""]
        rows = [_row(fleet, evidence[asks[model, fleet].command]) for fleet in fleet_names()]
        head = ("fleet", "$/M out", "$/M in", "a request", "below", "gap", "tokens/s/user", "TTFT", "how", "rented")
        lines += render.table((*head, "what binds", "estimates"), sorted(rows, key=lambda row: row[1] == ""))
    return "\n".join(lines) + "\n"


def _row(fleet: str, record: Record) -> tuple[str, ...]:
    name = f"{fleet} ({load_fleet(fleet).price_basis})"
    if not record.is_planned:
        why = {"undecided": "no plan found in 20 s"}.get(record.status, record.reason)
        nearest = f"; nearest: {record.nearest}" if record.nearest else ""
        return (name, *[""] * 7, f"refused: {why}{nearest}" if record.status != "undecided" else why, "", "", "")
    return (
        name,
        _number(record.usd_per_million_output),
        _number(record.usd_per_million_input),
        _number(record.usd_per_request),
        "" if record.bound is None else render.down(record.bound),
        render.gap(record),
        _number(record.tokens_per_s_per_user),
        "" if record.ttft_s is None else f"{render.up(record.ttft_s)} s",
        record.mode,
        render.devices(record),
        ", ".join(_limits(record.binding)),
        str(record.num_estimates),
    )


def _number(value: float | None) -> str:
    return "" if value is None else render.up(value)


def _limits(binding: tuple[str, ...]) -> list[str]:
    """Return what binds, less the two that nearly always do: the step's own path and the speed asked for."""
    return [limit for limit in binding if not limit.startswith("step time: critical path")]
