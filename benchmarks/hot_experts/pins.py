"""Naive choices of hot experts: how many in every layer. Always the hottest of a layer, so numbers say it all."""

from __future__ import annotations

from placer.plan.placement import Role
from placer.verify.context import Context
from placer.verify.recompute.weights import shard_bytes

#: Hot experts by layer with experts.
Pins = dict[int, int]


def uniform_share(context: Context, budget: float) -> Pins:
    """Return as many hot experts in every layer, as many as ``budget`` bytes of SRAM hold."""
    sizes = _sizes(context)
    return {layer: min(most, int(budget / len(sizes) / size)) for layer, (size, most) in sizes.items()}


def hottest_first(context: Context, budget: float) -> Pins:
    """Return hot experts in the order of their chance of being selected, over all layers, until SRAM is full."""
    sizes = _sizes(context)
    ranked = sorted((-chance, layer) for layer in sizes for chance in context.selections[layer].tolist())
    pins = dict.fromkeys(sizes, 0)
    for _, layer in ranked:
        size, most = sizes[layer]
        if pins[layer] < most and budget >= size:
            pins[layer], budget = pins[layer] + 1, budget - size
    return pins


def _sizes(context: Context) -> dict[int, tuple[float, int]]:
    """Return the bytes of an expert on the sidecar, and how many may be hot, by layer."""
    device = context.groups[Role.SIDECAR].device
    return {
        layer: (shard_bytes(ops.moe.expert, device, 1), ops.moe.num_experts - 1)
        for layer, ops in enumerate(context.model.layer_ops)
        if ops.moe is not None
    }
