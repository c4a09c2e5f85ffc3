"""What a person reads of an explanation: a layer, a device, or the whole plan."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from placer.plan.explanation import DeviceExplained, Help, LayerExplained, PartExplained, Summary
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds

_RANKS_SHOWN, _EXPERTS_SHOWN = 8, 12


def render_layer(layer: LayerExplained) -> Group:
    """Return the loads of a layer's ranks, the bound, and what would help."""
    title = (
        f"layer {layer.layer} ({layer.way}): {format_seconds(layer.path_s)} of the path, "
        f"{format_seconds(layer.balanced_path_s)} if all ranks were equally full"
    )
    parts: list[RenderableType] = [Text(title, style="bold")]
    if not layer.parts:
        parts.append(Text("no routed experts: nothing to balance"))
    for part in layer.parts:
        parts += ["", *_part_lines(part)]
    return Group(*parts)


def _part_lines(part: PartExplained) -> list[RenderableType]:
    table = new_table(
        f"fullest ranks of {part.role}", ">tokens served per token", ">over the mean", title=f"{len(part.loads)} ranks"
    )
    order = sorted(range(len(part.loads)), key=lambda rank: -part.loads[rank])
    for rank in order[:_RANKS_SHOWN]:
        ratio = part.loads[rank] / part.mean if part.mean else 0.0
        table.add_row(str(rank), f"{part.loads[rank]:.5f}", f"{ratio:.4f}")
    shown = ", ".join(map(str, part.fullest_experts[:_EXPERTS_SHOWN]))
    more = "" if len(part.fullest_experts) <= _EXPERTS_SHOWN else ", ..."
    lines = [
        f"mean {part.mean:.5f}; no layout in these slots below {part.bound:.5f}; gap {part.relative_gap:.2%}",
        f"rank {part.fullest_rank} is fullest, with experts {shown}{more}",
        _help_line("swap", part.swap),
        _help_line("second copy", part.copy_),
    ]
    return [table, *(Text(line) for line in lines)]


def _help_line(what: str, help_: Help | None) -> str:
    if help_ is None:
        return f"no {what} helps"
    change = (
        f"expert {help_.expert} of rank {help_.from_rank} for expert {help_.for_expert} of rank {help_.to_rank}"
        if help_.for_expert is not None
        else f"of expert {help_.expert} of rank {help_.from_rank} on rank {help_.to_rank}, in one more slot"
    )
    return f"{what} that helps most: {change}: the fullest rank falls by {help_.gain:.2%} to {help_.max_load:.5f}"


def render_device(device: DeviceExplained) -> Group:
    """Return what a device holds and does."""
    title = (
        f"{device.device}: replica {device.replica}, {device.role} stage {device.stage}, data-parallel rank "
        f"{device.data_rank}, expert rank {device.expert_rank}"
    )
    held = new_table(f"holds {device.layers} attention layers, {device.experts} experts", ">bytes")
    for kind, size in device.bytes_by_kind.items():
        held.add_row(kind, format_bytes(size))
    held.add_row("free", format_bytes(max(0, device.free_bytes)))
    does = new_table(f"a step of its stage, {device.sequences} sequences of its rank", ">time")
    for kind, seconds in device.seconds_by_kind.items():
        does.add_row(kind, format_seconds(seconds))
    load = Text(f"its experts serve {device.relative_load:.4f} of the mean of its group's ranks")
    return Group(Text(title, style="bold"), "", held, "", does, "", load)


def render_summary(summary: Summary) -> Group:
    """Return where a plan is tight."""
    cost, step = summary.balance_cost_s, summary.step_time_s
    title = f"imbalance of experts costs {format_seconds(cost)} of a step of {format_seconds(step)} ({cost / step:.2%})"
    parts: list[RenderableType] = [Text(title, style="bold"), ""]
    table = new_table("layer", ">cost", ">fullest over mean", ">gap to bound", ">best swap saves", title="worst layers")
    for layer in summary.layers:
        worst = max(layer.parts, key=lambda part: part.relative_gap)
        saves = "none helps" if worst.swap is None else f"{worst.swap.gain:.2%}"
        ratio = worst.fullest_load / worst.mean
        table.add_row(
            str(layer.layer), format_seconds(layer.cost_s), f"{ratio:.4f}", f"{worst.relative_gap:.2%}", saves
        )
    parts += [table, ""] if summary.layers else []
    binding = "; ".join(summary.binding) or "nothing but what whole units allow"
    parts += [Text("fullest device:"), render_device(summary.fullest), "", Text(f"binding: {binding}")]
    return Group(*parts)
