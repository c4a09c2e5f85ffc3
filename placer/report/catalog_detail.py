"""One device, fleet or model in full: every figure with its source, estimates flagged."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet, Pool
from placer.graph.roofline import ridge, turnover_s
from placer.model.ffn import Ffn
from placer.model.mixer import Mixer
from placer.model.spec import LayerRun, ModelSpec
from placer.report.catalog_json import Figure, fleet_row
from placer.report.figures import cross_link_figures, device_figures, link_figures
from placer.report.lowering_json import Lowering
from placer.report.table import new_table
from placer.units import format_bytes, format_count, format_seconds, format_watts


def render_device(device: Device) -> Group:
    """Return a device with the source of every figure."""
    figures = device_figures(device)
    heading = _heading(device.name, device.title)
    return Group(heading, "", figure_table(figures), "", _derived_line(device), *_notes(device.notes))


def _derived_line(device: Device) -> Text:
    """Return what follows from the peaks alone."""
    ridges = ", ".join(f"{precision} {ridge(device, precision):.4g}" for precision in device.peak)
    return Text(f"ridge [FLOP/B]: {ridges}; the whole memory is read in {format_seconds(turnover_s(device))}")


def figure_table(figures: tuple[Figure, ...]) -> Table:
    """Return figures with their sources; those that are guesses say so in capitals."""
    table = new_table("figure", "value", "kind", "source")
    for figure in figures:
        kind = figure.kind.upper() if figure.is_estimate else figure.kind
        table.add_row(figure.name, figure.value, kind, figure.cite, style="yellow" if figure.is_estimate else "")
    return table


def render_fleet(fleet: Fleet) -> Group:
    """Return a fleet: pools, links with their sources, and what is guessed about its devices."""
    row = fleet_row(fleet)
    cost = "no price for every pool" if row.usd_per_hour is None else f"{row.usd_per_hour:,.2f} USD/h"
    summary = f"all of it: {cost} on the basis {fleet.price_basis}, {format_watts(row.power_w)}"
    pools = new_table("pool", "device", ">count", ">unit", ">domain", "scale-up", "scale-out", ">USD/h each")
    for pool in fleet.pools:
        pools.add_row(*_pool_cells(fleet, pool))
    links = [
        part
        for name, link in fleet.link_types.items()
        for part in ("", _heading(f"link {name}", link.title), figure_table(link_figures(link)))
    ]
    guesses = ["", f"estimates: {'; '.join(row.estimates)}"] if row.estimates else []
    return Group(
        _heading(fleet.name, fleet.title),
        summary,
        "",
        pools,
        "",
        _unit_table(fleet),
        *_cross_links(fleet),
        *links,
        *guesses,
        *_notes(fleet.notes),
    )


def _unit_table(fleet: Fleet) -> Table:
    """Return what one rentable unit of each pool adds up to: a rack, a node, a chip."""
    table = new_table(
        "one unit", *(">devices", ">memory", ">bandwidth", ">best peak", ">scale-up, both ways", ">power", ">USD/h")
    )
    for pool in fleet.pools:
        device, count = fleet.device_of(pool.name), pool.unit
        precision, peak = max(device.peak.items(), key=lambda item: item[1])
        up = fleet.link_types[pool.scale_up] if pool.scale_up else None
        price = fleet.usd_per_hour(pool.name)
        table.add_row(
            pool.name,
            f"{count:,}",
            f"{format_bytes(count * device.compute_tier.capacity)}",
            f"{format_bytes(count * device.compute_tier.bandwidth)}/s",
            f"{format_count(count * peak)}FLOP/s {precision}",
            f"{format_bytes(2 * count * up.bandwidth)}/s" if up else "-",
            format_watts(count * fleet.power_w(pool.name)),
            "-" if price is None else f"{count * price:,.2f}",
        )
    return table


def _pool_cells(fleet: Fleet, pool: Pool) -> list[str]:
    price = fleet.usd_per_hour(pool.name)
    links = [pool.scale_up or "-", pool.scale_out or "-"]
    counts = [f"{count:,}" for count in (pool.count, pool.unit, pool.domain)]
    return [pool.name, pool.device, *counts, *links, "-" if price is None else f"{price:g}"]


def _cross_links(fleet: Fleet) -> list[str | Table]:
    parts: list[str | Table] = []
    for cross in fleet.links:
        parts += ["", f"{' - '.join(cross.between)} over {cross.link}"]
        figures = cross_link_figures(cross)
        parts += [figure_table(figures)] if figures else []
    return parts


def render_model(spec: ModelSpec, lowering: Lowering) -> Group:
    """Return a model: its shape, storage formats, counts, and where the configuration was read."""
    table = new_table("field", "value")
    rows = {
        "aliases": ", ".join(spec.aliases) or "-",
        "source": spec.source,
        "layers": f"{spec.num_layers}: {', '.join(_run(run) for run in spec.layers)}",
        "hidden size": f"{spec.hidden_size:,}",
        "vocabulary": f"{spec.vocab_size:,}{', tied' if spec.tie_word_embeddings else ''}",
        "longest context": f"{spec.max_context:,}" if spec.max_context else "not stated",
    }
    rows |= {f"mixer {name}": _fields(mixer) for name, mixer in spec.mixers.items()}
    rows |= {f"FFN {name}": _fields(ffn) for name, ffn in spec.ffns.items()}
    rows |= {
        "stored as": ", ".join(f"{name} {value}" for name, value in spec.precision),
        "parameters": f"{lowering.parameters.total:,}, {lowering.parameters.active:,} active per token",
        "weights": format_bytes(lowering.weight_bytes),
        "KV cache": f"{format_bytes(lowering.kv_bytes_per_token)} per token",
    }
    if spec.expected:
        rows["parameters elsewhere"] = f"{spec.expected.total:,} ({spec.expected.source})"
    for name, value in rows.items():
        table.add_row(name, value)
    return Group(spec.name, "", table, *_notes(spec.notes))


def _run(run: LayerRun) -> str:
    pattern = " then ".join(f"{kind.mixer}+{kind.ffn}" for kind in run.pattern)
    return f"{run.repeat} x {pattern if len(run.pattern) == 1 else f'({pattern})'}"


def _fields(block: Mixer | Ffn) -> str:
    given = block.model_dump(exclude={"kind"}, exclude_defaults=True)
    return ", ".join([block.kind, *(f"{name} {value}" for name, value in given.items())])


def _heading(name: str, title: str) -> str:
    return f"{name}: {title}" if title else name


def _notes(notes: tuple[str, ...]) -> list[str]:
    return ["", *(f"note: {note}" for note in notes)] if notes else []
