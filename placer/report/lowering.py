"""The table of ``placer lower``: where a model's bytes and FLOPs are."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.report.lowering_json import Lowering, OpClassLowering
from placer.report.reconcile import Reconciliation
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
    "other": "other",
}


def render_lowering(lowering: Lowering) -> Group:
    """Return what a person reads of a lowered model: head, parameters, one line per op class, totals."""
    parameters, per_token = lowering.parameters, format_bytes(lowering.kv_bytes_per_token)
    extra = f", index {format_bytes(lowering.index_bytes_per_token)} a token" if lowering.index_bytes_per_token else ""
    state = lowering.state_bytes_per_sequence
    extra += f", state {format_bytes(state)} a sequence" if state else ""
    head = Text(
        f"{lowering.model}: {parameters.total:,} parameters, {parameters.active:,} active per token "
        f"({parameters.active_without_input_embedding:,} without the input embedding)\n"
        f"weights {format_bytes(lowering.weight_bytes)}, KV cache {per_token} a token"
        f", {format_bytes(lowering.kv_bytes_per_sequence)} a sequence of {lowering.context:,}{extra}\n"
        f"one decode step of {lowering.batch:,} sequence(s) at that context, routing uniform:"
    )
    notes = [Text(f"note: {note}") for note in lowering.notes]
    columns = (_context_table(lowering), "") if len(lowering.contexts) > 1 else ()
    compared = render_reconciliation(lowering.reconciliation) if lowering.reconciliation else []
    return Group(head, "", _op_table(lowering), "", *columns, _parameter_table(lowering), *notes, *compared)


def render_reconciliation(found: Reconciliation) -> list[RenderableType]:
    """Return what a person reads of the comparison with a checkpoint: one line, and a table of the differences."""
    verdict = "every byte is accounted for" if found.is_exact else f"{len(found.differences)} difference(s)"
    lines: list[RenderableType] = [
        "",
        Text(
            f"checkpoint: {found.num_tensors:,} tensors, {format_bytes(found.stored_bytes)} stored, "
            f"{format_bytes(found.lowered_bytes)} lowered; {verdict}"
        ),
    ]
    lines += [Text(f"not lowered: {name}, {format_bytes(volume)}") for name, volume in found.not_lowered.items()]
    lines += [Text(f"unknown tensor: {name}") for name in found.unknown]
    lines += [Text(f"missing file: {name}") for name in found.missing_files]
    if found.differences:
        table = new_table("layer", "kind", ">lowered", ">stored", "tensors")
        for entry in found.differences:
            layer = "-" if entry.layer is None else str(entry.layer)
            stored = f"{entry.stored_bytes:,}"
            table.add_row(layer, _LABELS[entry.kind], f"{entry.lowered_bytes:,}", stored, ", ".join(entry.tensors))
        lines.append(table)
    return lines


def _context_table(lowering: Lowering) -> Table:
    table = new_table("context", *(f">{entry.context:,}" for entry in lowering.contexts))
    rows = {
        "KV cache of a sequence": [format_bytes(entry.kv_bytes_per_sequence) for entry in lowering.contexts],
        "with indices and states": [format_bytes(entry.held_bytes_per_sequence) for entry in lowering.contexts],
        "FLOP per decoded token": [format_count(entry.flops_per_token) for entry in lowering.contexts],
        "FLOP per prompt token": [format_count(round(entry.prefill_flops_per_token)) for entry in lowering.contexts],
        "bytes read per step": [format_bytes(entry.read_bytes) for entry in lowering.contexts],
    }
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def _op_table(lowering: Lowering) -> Table:
    table = new_table(
        "op class",
        *(">count", ">weights", ">FLOP/token", ">prefill", ">KV/sequence", ">read/step", ">FLOP/B"),
    )
    for entry in lowering.op_classes:
        table.add_row(
            _label(entry),
            f"{entry.count:,}",
            *_quantities(entry),
            *_step(entry.read_bytes, entry.arithmetic_intensity),
        )
    table.add_section()
    table.add_row(
        "total",
        f"{sum(entry.count for entry in lowering.op_classes):,}",
        *_quantities(lowering),
        *_step(lowering.read_bytes, lowering.arithmetic_intensity),
        style="bold",
    )
    return table


def _label(entry: OpClassLowering) -> str:
    details = [f"window {entry.window}"] if entry.window else []
    details += [] if entry.weight_formats in {(), ("bf16",)} else [", ".join(entry.weight_formats)]
    return " ".join([entry.kind.replace("_", " "), *(f"({detail})" for detail in details)])


def _quantities(of: OpClassLowering | Lowering) -> tuple[str, str, str, str]:
    prefill = round(of.prefill_flops_per_token)
    return (
        format_bytes(of.weight_bytes) if of.weight_bytes else "-",
        format_count(of.flops_per_token) if of.flops_per_token else "-",
        format_count(prefill) if prefill else "-",
        format_bytes(of.held_bytes_per_sequence) if of.held_bytes_per_sequence else "-",
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
