"""How even the ranks are, layer by layer: ``placer balance``."""

from __future__ import annotations

from rich.console import Group, RenderableType

from placer.balance.result import BalanceReport, PlacedLayer
from placer.report.table import new_table


def render_balance(report: BalanceReport) -> RenderableType:
    """Return the table of all layers, and what they add up to."""
    has_nodes = report.nodes > 1
    columns = (">layer", ">max / mean", ">bound / mean", ">gap", ">EPLB / mean", ">replicas of hottest")
    more = (">node / mean", ">leaving", "<policy") if has_nodes else ()
    table = new_table(*columns, *more, title=_title(report))
    for index, layer in enumerate(report.layers):
        table.add_row(str(index), *_cells(layer), *(_node_cells(layer) if has_nodes else ()))
    return Group(table, "", *_totals(report))


def _cells(layer: PlacedLayer) -> tuple[str, ...]:
    return (
        f"{layer.imbalance:.4f}",
        f"{_ratio(layer.bound, layer.mean_load):.4f}",
        f"{layer.relative_gap:.2%}",
        f"{_ratio(layer.eplb_max_load, layer.mean_load):.4f}",
        f"{layer.num_replicas[layer.hottest]}",
    )


def _node_cells(layer: PlacedLayer) -> tuple[str, ...]:
    mean = sum(layer.node_loads) / len(layer.node_loads)
    return f"{_ratio(max(layer.node_loads), mean):.4f}", f"{layer.cross_node_share:.1%}", layer.policy


def _title(report: BalanceReport) -> str:
    nodes = f" in {report.nodes} nodes" if report.nodes > 1 else ""
    return (
        f"{len(report.layers)} layer(s) of {report.experts} experts on {report.slots} slots of "
        f"{report.ranks} ranks{nodes}"
    )


def _totals(report: BalanceReport) -> list[str]:
    proof = "optimal" if report.bound == report.max_load else f"within {report.relative_gap:.2%} of optimal"
    lines = [
        f"all layers: fullest rank {_ratio(report.max_load, report.mean_load):.4f} times the mean, proven {proof} "
        f"(worst layer {report.worst_relative_gap:.2%}); EPLB {_ratio(report.eplb_max_load, report.mean_load):.4f}"
    ]
    if report.nodes > 1:
        lines.append(
            "leaving: tokens whose expert has no replica to spare in their own node, tokens coming from all alike"
        )
    if report.affinity is not None:
        before, after = report.affinity.cross_node_before, report.affinity.cross_node_after
        lines.append(
            f"affinity: {before:.1%} of tokens change their node between layers, {after:.1%} after relabelling"
        )
    return lines


def _ratio(load: float, mean: float) -> float:
    return load / mean if mean else 1.0
