"""A prediction, for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.predict.prediction import Prediction
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds

_LEAST_SHARE = 0.0005


def render_prediction(prediction: Prediction) -> Group:
    """Return the answer, where time goes, and the memory of the fullest device."""
    asked = prediction.configuration
    degrees = f"TP {asked.tp} x DP {asked.dp} x PP {asked.pp}, EP {asked.ep}"
    parts: list[RenderableType] = [
        Text(f"{prediction.model} on {asked.num_devices} {asked.device}, {degrees}, engine {prediction.engine}"),
        Text(
            f"{asked.isl:,} in, {asked.osl:,} out, {prediction.concurrency:,} request(s): "
            f"TTFT {format_seconds(prediction.ttft_s)}, TPOT {format_seconds(prediction.tpot_s)}, "
            f"{prediction.tokens_per_s_per_user:.4g} tokens/s/user, "
            f"{prediction.tokens_per_s_per_device:.4g} tokens/s/device",
            style="bold",
        ),
        *(Text(note) for note in prediction.notes),
        "",
        _times(prediction),
        "",
        _memory(prediction),
    ]
    if prediction.estimates:
        figures = ", ".join(prediction.estimates)
        parts += ["", Text(f"rests on {len(prediction.estimates)} estimated figures: {figures}")]
    return Group(*parts)


def _times(prediction: Prediction) -> Table:
    table = new_table("where time goes", "decode step", "share", "prefill of a prompt", "share")
    decode, prefill = prediction.decode_s_by_op_class, prediction.prefill_s_by_op_class
    totals = sum(decode.values()), sum(prefill.values())
    for name in dict.fromkeys([*decode, *prefill]):
        seconds = decode.get(name, 0.0), prefill.get(name, 0.0)
        shares = [part / total if total else 0.0 for part, total in zip(seconds, totals, strict=True)]
        if max(shares) >= _LEAST_SHARE:
            cells = [f(part, share) for part, share in zip(seconds, shares, strict=True) for f in (_seconds, _share)]
            table.add_row(name.replace("_", " "), *cells)
    return table


def _seconds(part: float, _: float) -> str:
    return format_seconds(part)


def _share(_: float, share: float) -> str:
    return f"{share:.1%}"


def _memory(prediction: Prediction) -> Table:
    use = prediction.memory_bytes
    table = new_table("memory of a device", "bytes")
    rows = {
        "weights": use.weights,
        "KV cache": use.kv_cache,
        "activations": use.activations,
        "runtime": use.runtime,
        "total": use.total,
        "capacity": use.capacity,
    }
    for name, size in rows.items():
        table.add_row(name, format_bytes(size))
    return table
