"""What ``placer roofline`` prints: a decode step against the peaks of a device."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.graph.roofline import FfnShare, Roofline
from placer.graph.what_if import ExpertUse, FfnSpeedUp, Hops
from placer.report.table import new_table
from placer.units import format_bytes, format_count, format_seconds

_PARTS = {
    "attention": "attention",
    "ffn": "FFN and experts",
    "embedding_and_head": "embedding and LM head",
    "weights": "all weights",
    "cache": "caches of the batch",
    "weights_and_cache": "weights and caches",
}


class RooflineAnswer(BaseModel):
    """The contents of ``placer roofline --json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roofline: Roofline
    experts: ExpertUse | None = Field(description="null where the model has no routed experts")
    hops: Hops
    ffn_speed_ups: tuple[FfnSpeedUp, ...]

    def to_json(self) -> str:
        """Return JSON text with a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"


def render_roofline(answer: RooflineAnswer) -> Group:
    """Return what a person reads: step by op class, room, FFN share, experts, hops."""
    roof = answer.roofline
    parts: list[RenderableType] = [_head(roof), "", _op_table(roof), "", _holding_table(roof)]
    if roof.tokens_per_memory:
        parts.append(Text(f"one memory is {roof.tokens_per_memory:,.0f} tokens of KV cache, windows not full"))
    parts += ["", *_ffn_shares(roof.ffn_shares), "", *_speed_ups(roof, answer.ffn_speed_ups)]
    parts += ["", *_experts(answer.experts)] if answer.experts else []
    return Group(*parts, "", *_hops(answer.hops))


def _head(roof: Roofline) -> Text:
    ridges = ", ".join(f"{precision} {value:.4g}" for precision, value in roof.ridges.items())
    return Text(
        f"{roof.model} on {roof.device}, one decode step of {roof.batch:,} sequence(s) of {roof.context:,} tokens at "
        f"the peaks: no floor, no link, no efficiency\n"
        f"ridge [FLOP/B]: {ridges}; the whole memory is read in {format_seconds(roof.turnover_s)}\n"
        f"step: {format_seconds(roof.seconds)} on one device, multipliers busy {roof.busy_share:.1%}; "
        f"{format_seconds(roof.aggregate_seconds)} with all the bandwidth of the {roof.min_devices:,} that hold it, "
        "which nobody reaches"
    )


def _op_table(roof: Roofline) -> Table:
    table = new_table(
        "op class", *(">count", "held as", ">read/step", ">of bytes", ">FLOP", ">FLOP/B", ">ridge"), "bound by", ">time"
    )
    read = sum(op.read_bytes for op in roof.ops)
    for op in roof.ops:
        table.add_row(
            op.kind.replace("_", " "),
            f"{op.count:,}",
            op.weights_as or "-",
            format_bytes(op.read_bytes),
            f"{op.read_bytes / read:.1%}",
            format_count(op.flops) if op.flops else "-",
            f"{op.arithmetic_intensity:.3g}" if op.flops else "-",
            f"{op.ridge:.3g}",
            "compute" if op.is_compute_bound else "memory",
            format_seconds(op.seconds),
        )
    return table


def _holding_table(roof: Roofline) -> Table:
    table = new_table("what must be held", ">bytes", ">memories filled", ">devices, reserve off")
    for row in roof.holdings:
        table.add_row(_PARTS[row.what], format_bytes(row.held_bytes), f"{row.devices:.4g}", f"{row.min_devices:,}")
    return table


def _ffn_shares(shares: tuple[FfnShare, ...]) -> list[RenderableType]:
    contexts = tuple(dict.fromkeys(entry.context for entry in shares))
    table = new_table("FFN share of bytes read", *(f">context {context:,}" for context in contexts))
    for batch in dict.fromkeys(entry.batch for entry in shares):
        cells = {entry.context: f"{entry.byte_share:.0%}" for entry in shares if entry.batch == batch}
        table.add_row(f"batch {batch:,}", *(cells[context] for context in contexts))
    return [table]


def _speed_ups(roof: Roofline, speed_ups: tuple[FfnSpeedUp, ...]) -> list[RenderableType]:
    head = Text(f"FFN and experts take {roof.ffn_time_share:.1%} of the step's time; transfers not counted:")
    table = new_table(
        "FFNs faster by", *(f">{entry.ffn:g}x" if entry.ffn else ">no time at all" for entry in speed_ups)
    )
    table.add_row("the step by", *(f"{entry.step:.2f}" for entry in speed_ups))
    return [head, table]


def _experts(use: ExpertUse) -> list[RenderableType]:
    head = f"experts of a layer: {use.num_experts:,}, top {use.top_k}, routing {use.routing}"
    columns = ["batch", ">distinct touched", ">of all"]
    if use.num_hot:
        head += (
            f"; the {use.num_hot:,} hottest get {use.hot_share:.0%} of routings, a token needs no other with chance "
            f"{use.needs_no_cold:.1%} at most"
        )
        columns += [">not hot", ">bytes saved"]
    table = new_table(*columns)
    for entry in use.batches:
        cells = [f"{entry.batch:,}", f"{entry.touched:.1f}", f"{entry.touched / use.num_experts:.0%}"]
        cells += [f"{entry.cold_touched:.1f}", f"{entry.saved_share:.0%}"] if use.num_hot else []
        table.add_row(*cells)
    return [Text(head), table]


def _hops(hops: Hops) -> list[RenderableType]:
    budget = f"; a layer has {format_seconds(hops.layer_budget_s)} at the speed asked" if hops.layer_budget_s else ""
    head = (
        f"attention and FFN on different devices: {2 * hops.num_layers} one-way hops a token, "
        f"{2 * hops.full_attention_layers} if only the {hops.full_attention_layers} layers of full attention "
        f"cross{budget}"
    )
    table = new_table("hop, one way", ">every layer", ">tokens/s/user at most", ">full attention only")
    for entry in hops.latencies:
        table.add_row(
            format_seconds(entry.latency_s),
            format_seconds(entry.every_layer_s),
            f"{entry.every_layer_tokens_per_s:,.0f}",
            format_seconds(entry.full_attention_s) if hops.full_attention_layers else "-",
        )
    return [Text(head), table]
