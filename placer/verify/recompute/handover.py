"""KV cache on its way: from the devices that prefill to those that decode, and from where it was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from placer.catalog.fleet import Fleet
from placer.errors import InternalError
from placer.graph.model_graph import ModelGraph
from placer.verify.recompute.group import Group
from placer.verify.recompute.prefill_group import sequence_bytes


@dataclass(frozen=True)
class Way:
    """A way from one device to one other.

    Attributes
    ----------
    latency_s
        One way.
    out_bytes_per_s, in_bytes_per_s
        What the sender sends, and the receiver takes in.
    """

    latency_s: float
    out_bytes_per_s: float
    in_bytes_per_s: float


def way_between(fleet: Fleet, sender: str, receiver: str) -> Way:
    """Return how a device of one pool reaches one of another pool, or of the same.

    Raises
    ------
    InternalError
        If nothing joins them.
    """
    if sender == receiver:
        pool, (up, out) = fleet.pool(sender), fleet.inner_links(sender)
        link = out if pool.count > pool.domain else up
        if link is None:
            raise InternalError(f"pool {sender} names no link inside it")
        return Way(link.latency, link.effective_bytes_per_s, link.effective_bytes_per_s)
    cross = fleet.cross_link(sender, receiver)
    if cross is None:
        raise InternalError(f"nothing joins {sender} and {receiver}")
    out_rate, in_rate = (fleet.port_bytes_per_s(cross, pool) for pool in (sender, receiver))
    return Way(fleet.link_types[cross.link].latency, out_rate, in_rate)


def seen_s(carrying_s: float, prefill_s: float, num_layers: int) -> float:
    """Return what is seen of bytes that travel layer by layer beside prefill: one layer's, or what outlasts it.

    >>> seen_s(4.0, 100.0, 4), seen_s(4.0, 2.0, 4)
    (1.0, 2.5)
    """
    return max(carrying_s / num_layers, carrying_s - prefill_s * (num_layers - 1) / num_layers)


def prompt_kv_bytes(model: ModelGraph, tokens: int) -> float:
    """Return KV cache, indices and states of a prompt, nothing replicated [B]."""
    return sum(sequence_bytes(ops.core, 1, tokens) for ops in model.layer_ops)


def transfer_s(model: ModelGraph, ways: Sequence[Way], tokens: int, prefill_s: float) -> float:
    """Return what is seen of sending a prompt's KV cache, over the slowest of the ways [s]."""
    kept = prompt_kv_bytes(model, tokens)
    if kept == 0.0:
        return 0.0
    return max(
        seen_s(kept / min(way.out_bytes_per_s, way.in_bytes_per_s), prefill_s, len(model.layer_ops)) + way.latency_s
        for way in ways
    )


def reload_s(
    model: ModelGraph, group: Group, found: int, bandwidth_bytes_per_s: float | None, prefill_s: float
) -> float:
    """Return what is seen of loading what was found, every device its share; nothing where no rate is given [s]."""
    if not found or bandwidth_bytes_per_s is None:
        return 0.0
    mine = sum(sequence_bytes(ops.core, group.shape.tp, found) for ops in model.layer_ops) / group.shape.stages
    return seen_s(mine / bandwidth_bytes_per_s, prefill_s, len(model.layer_ops))
