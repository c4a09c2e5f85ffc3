"""The table of ``placer lower``: where a model's bytes and FLOPs are."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from placer.report.lowering_json import Lowering, OpClassLowering
from placer.report.table import new_table
from placer.units import format_bytes, format_count

_LABELS = {
    "embed": "embedding",
    "attn": "attention",
    "dense_ffn": "dense FFN",
    "router": "router",
    "routed_experts": "routed experts",
    "shared_experts": "shared experts",
    "lm_head": "LM head",
    "ssm": "state space",
    "norm": "norms",
}


def render_lowering(lowering: Lowering) -> Group:
    """Return what a person reads of a lowered model: head, parameters, one line per op class, totals."""
    parameters, per_token = lowering.parameters, format_bytes(lowering.kv_bytes_per_token)
    head = Text(
        f"{lowering.model}: {parameters.total:,} parameters, {parameters.active:,} active per token\n"
        f"weights {format_bytes(lowering.weight_bytes)}, KV cache {per_token} a token"
        f", {format_bytes(lowering.kv_bytes_per_sequence)} a sequence of {lowering.context:,}\n"
        f"one decode step of {lowering.batch:,} sequence(s) at that context, routing uniform:"
    )
    return Group(head, "", _op_table(lowering), "", _parameter_table(lowering))


def _op_table(lowering: Lowering) -> Table:
    table = new_table(
        "op class",
        *(">count", ">weights", ">FLOP/token", ">KV/sequence", ">read/step", ">FLOP/B"),
    )
    for entry in lowering.op_classes:
        table.add_row(
            _label(entry),
            f"{entry.count:,}",
            *_quantities(entry.weight_bytes, entry.flops_per_token, entry.kv_bytes_per_sequence),
            *_step(entry.read_bytes, entry.arithmetic_intensity),
        )
    table.add_section()
    table.add_row(
        "total",
        f"{sum(entry.count for entry in lowering.op_classes):,}",
        *_quantities(lowering.weight_bytes, lowering.flops_per_token, lowering.kv_bytes_per_sequence),
        *_step(lowering.read_bytes, lowering.arithmetic_intensity),
        style="bold",
    )
    return table


def _label(entry: OpClassLowering) -> str:
    details = [f"window {entry.window}"] if entry.window else []
    details += [] if entry.weight_formats in {(), ("bf16",)} else [", ".join(entry.weight_formats)]
    return " ".join([entry.kind.replace("_", " "), *(f"({detail})" for detail in details)])


def _quantities(weight_bytes: int, flops: int, kv_bytes: int) -> tuple[str, str, str]:
    return (
        format_bytes(weight_bytes) if weight_bytes else "-",
        format_count(flops) if flops else "-",
        format_bytes(kv_bytes) if kv_bytes else "-",
    )


def _step(read_bytes: float, intensity: float) -> tuple[str, str]:
    return format_bytes(read_bytes), f"{intensity:.3g}" if intensity else "-"


def _parameter_table(lowering: Lowering) -> Table:
    table = new_table("parameters", ">count", ">share")
    for kind, count in lowering.parameters.by_kind:
        if count:
            table.add_row(_LABELS[kind], f"{count:,}", f"{count / lowering.parameters.total:.2%}")
    table.add_section()
    table.add_row("total", f"{lowering.parameters.total:,}", "", style="bold")
    return table
