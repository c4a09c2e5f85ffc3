"""KV tiers of the catalog: the listing, and one with the source of every figure."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from placer.catalog.tier import KvTier
from placer.report.catalog import ESTIMATE_MARK
from placer.report.catalog_detail import figure_table
from placer.report.catalog_json import Figure
from placer.report.figures import sourced
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds


def render_tiers(tiers: tuple[KvTier, ...]) -> Group:
    """Return the table of tiers; figures that are guesses are marked."""
    table = new_table("<tier", "what it is", ">per device", ">one reads at", ">latency")
    for tier in tiers:
        values = [_marked(tier, figure) for figure in tier_figures(tier)]
        table.add_row(tier.name, tier.title, *values)
    note = f"{ESTIMATE_MARK} is an estimate; `placer tiers show NAME` gives every source, `--tier NAME` uses one"
    return Group(table, "", note)


def _marked(tier: KvTier, figure: Figure) -> str:
    return ESTIMATE_MARK + figure.value if figure.name in tier.estimates() else figure.value


def tier_figures(tier: KvTier) -> tuple[Figure, ...]:
    """Return the figures of a tier with their sources."""
    values = {
        "capacity": format_bytes(tier.capacity),
        "bandwidth": f"{format_bytes(tier.bandwidth)}/s",
        "latency": format_seconds(tier.latency),
    }
    return tuple(sourced(name, value, tier.sources) for name, value in values.items())


def render_tier(tier: KvTier) -> Group:
    """Return a tier with the source of every figure."""
    notes = [Text(f"- {note}") for note in tier.notes]
    return Group(Text(f"{tier.name}: {tier.title}"), "", figure_table(tier_figures(tier)), "", *notes)
