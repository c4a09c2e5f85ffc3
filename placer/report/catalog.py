"""Tables of the catalog: devices, fleets, models."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table

from placer.report.catalog_json import DeviceRow, FleetRow, ModelRow
from placer.report.table import new_table
from placer.units import format_bytes, format_count, format_watts

ESTIMATE_MARK = "~"


def render_devices(rows: tuple[DeviceRow, ...]) -> Group:
    """Return the table of devices; figures that are guesses are marked."""
    table = new_table("device", ">memory", ">bandwidth", ">best peak", ">power", "price [USD/h]", ">estimates")
    for row in rows:
        precision, peak = max(row.peak_flops_per_s.items(), key=lambda item: item[1])
        memory = f"memory.{row.tier}"
        table.add_row(
            row.name,
            _marked(f"{format_bytes(row.capacity_bytes)} {row.tier}", memory, row),
            _marked(f"{format_bytes(row.bandwidth_bytes_per_s)}/s", memory, row),
            _marked(f"{format_count(peak)}FLOP/s {precision}", f"peak.{precision}", row),
            _marked(format_watts(row.power_w), "power", row),
            ", ".join(
                _marked(f"{basis} {price:g}", f"price.{basis}", row) for basis, price in row.price_usd_per_hour.items()
            ),
            str(len(row.estimates)),
        )
    return Group(table, "", f"{ESTIMATE_MARK} is an estimate; `placer devices show NAME` gives every source")


def _marked(text: str, figure: str, row: DeviceRow) -> str:
    return ESTIMATE_MARK + text if figure in row.estimates else text


def render_fleets(rows: tuple[FleetRow, ...]) -> Group:
    """Return the table of fleets."""
    table = new_table("fleet", "pools", ">price of all", "basis", ">power", ">estimates")
    for row in rows:
        table.add_row(
            row.name,
            ", ".join(row.pools),
            "-" if row.usd_per_hour is None else f"{row.usd_per_hour:,.2f} USD/h",
            row.price_basis,
            format_watts(row.power_w),
            str(len(row.estimates)),
        )
    return Group(table, "", "estimates: device figures that are guesses; `placer fleets show NAME` lists them")


def render_models(rows: tuple[ModelRow, ...]) -> Table:
    """Return the table of models."""
    table = new_table("<model", "aliases", ">layers", ">parameters", ">active", ">weights")
    for row in rows:
        table.add_row(
            row.name,
            ", ".join(row.aliases),
            str(row.num_layers),
            f"{row.parameters:,}",
            f"{row.active_parameters:,}",
            format_bytes(row.weight_bytes),
        )
    return table
