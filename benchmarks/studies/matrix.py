"""``docs/matrix.md``: every fleet of the catalog for a small dense, a large dense and a large MoE model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from benchmarks.studies import render
from benchmarks.studies.ask import Ask
from benchmarks.studies.evidence import Evidence
from benchmarks.studies.page import REGENERATE
from benchmarks.studies.record import Record
from placer.catalog.loader import fleet_names, load_fleet
from placer.catalog.template import read_template, template_paths


class Column(NamedTuple):
    """A model, how fast it is for every user, and how long its plans are searched."""

    model: str
    tps_user: float
    budget_s: float


COLUMNS = (Column("llama-3.1-8b", 50, 20), Column("llama-3.3-70b", 30, 20), Column("deepseek-v3", 20, 60))
#: The basis that needs no mention.
BASIS = "tco"
#: Gap at which a search stops.
GAP = 0.05

HEAD = (
    "fleet",
    "a request",
    "below",
    "gap",
    "$/M in",
    "$/M out",
    "tokens/s/user",
    "TTFT",
    "mode",
    "rented",
    "binds",
    "est.",
)

INTRODUCTION = """
What the whole service costs, prefill and decode, on every fleet of the catalog, the cheapest first: 8,192 tokens in,
1,024 out, any time to first token, no cached prefixes, no drafting, nothing stored narrower than in the checkpoint. A
search ends at a gap of 5 %, or after 20 s (DeepSeek-V3: 60 s) on a machine that does other work as well, so prices of
large mixed fleets can often be improved by a longer one; *below* is what no plan of the declared space beats. Prices
are rents on the basis `tco` unless another is named; bases are never compared. *est.* counts the unpublished figures
behind a plan, which `placer plan` lists. A pool of a mixed fleet that is not rented does not pay at this speed, as
far as the search came. `placer plan MODEL --fleet FLEET --tps-user SPEED --gap 0.05 --budget-s 20` repeats a row.
""".strip()


def matrix_asks() -> dict[tuple[str, str], Ask]:
    """Return the question of every cell, by model and fleet."""
    return {
        (column.model, fleet): Ask(
            model=column.model,
            fleet=fleet,
            tps_user=column.tps_user,
            is_service=True,
            gap=GAP,
            budget_s=column.budget_s,
        )
        for column in COLUMNS
        for fleet in fleet_names()
    }


def matrix_page(evidence: Evidence) -> str:
    """Return the page: a table a model, dearest last, refusals at the end."""
    asks = matrix_asks()
    lines = ["# Every fleet, three models", "", REGENERATE, "", INTRODUCTION]
    for column in COLUMNS:
        records = {fleet: evidence[asks[column.model, fleet].command] for fleet in fleet_names()}
        fleets = sorted(records, key=lambda fleet: _order(fleet, records[fleet]))
        lines += ["", f"## {column.model} at {column.tps_user:g} tokens/s per user", ""]
        lines += render.table(HEAD, (_row(fleet, records[fleet]) for fleet in fleets))
    lines += ["", "## Systems without public figures", ""]
    lines += [
        "Templates of the catalog: plans on them are refused until these are filled in ([systems](systems.md)).",
        "",
    ]
    lines += render.table(("template", "what it is", "demands"), map(_template_row, template_paths().values()))
    return "\n".join(lines) + "\n"


def _order(fleet: str, record: Record) -> tuple[bool, bool, float, str]:
    """Return the key to sort by: plans before refusals, the usual basis before others, then prices."""
    return not record.is_planned, load_fleet(fleet).price_basis != BASIS, record.price or math.inf, fleet


def _row(fleet: str, record: Record) -> tuple[str, ...]:
    basis = load_fleet(fleet).price_basis
    name = fleet if basis == BASIS else f"{fleet} ({basis})"
    if not record.is_planned:
        why = "no plan found in time" if record.status == "undecided" else f"refused: {record.reason}"
        nearest = f"; nearest: {record.nearest}" if record.nearest else ""
        return (name, *[""] * 7, why + nearest, "", "", "")
    return (
        name,
        f"${_number(record.usd_per_request)}",
        "" if record.bound is None else f"${render.down(record.bound)}",
        render.gap(record),
        _number(record.usd_per_million_input),
        _number(record.usd_per_million_output),
        "" if record.tokens_per_s_per_user is None else render.down(record.tokens_per_s_per_user),
        "" if record.ttft_s is None else f"{render.up(record.ttft_s)} s",
        record.mode,
        render.devices(record),
        ", ".join(_limits(record.binding)),
        str(record.num_estimates),
    )


def _template_row(path: Path) -> tuple[str, ...]:
    template = read_template(path)
    demands = ", ".join(f"`{demand.field}`" for demand in template.demands)
    return template.name, template.title, f"{len(template.demands)} figures: {demands}"


def _number(value: float | None) -> str:
    return "" if value is None else render.up(value)


def _limits(binding: tuple[str, ...]) -> list[str]:
    """Return what binds, less the two that nearly always do: the step's own path and the speed asked for."""
    return [limit for limit in binding if not limit.startswith("step time: critical path")]
