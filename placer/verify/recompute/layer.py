"""What one layer costs in its way (``docs/method.md``, section 3, "A layer's path")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from placer.catalog.kernel import KernelFamily
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.plan.placement import Role, Way
from placer.verify.recompute.blocks import NearMoe, attention_s, dense_s, moe_s, shared_s
from placer.verify.recompute.collectives import gather_hidden_s
from placer.verify.recompute.group import Group
from placer.verify.recompute.kernels import experts_s
from placer.verify.recompute.load import PartLoad
from placer.verify.recompute.replica import Replica
from placer.verify.recompute.turns import Exchange, Turns


@dataclass(frozen=True)
class LayerCost:
    """One layer, one microbatch.

    Attributes
    ----------
    path_s
        In series, hops inside the layer included.
    attention_s, parts_s
        How long the devices of attention and of every FFN part work.
    exchange_s
        How long the fabric of the FFN's first part exchanges tokens.
    out_bytes, back_bytes
        What crosses the link to the sidecar, and from it, inside the layer.
    exchange
        The order of work in a layer on one group; None on two.
    """

    path_s: float
    attention_s: float
    parts_s: tuple[float, ...]
    exchange_s: float = 0.0
    out_bytes: float = 0.0
    back_bytes: float = 0.0
    exchange: Exchange | None = None


@dataclass(frozen=True)
class Layer:
    """A layer as its cost depends on it: ops, way, and the expert load of each FFN part."""

    ops: LayerOps
    family: KernelFamily
    way: Way
    loads: Sequence[PartLoad]


def turns_of(cost: LayerCost, of: Role, share: int) -> Turns:
    """Return how long a layer takes a stage of a group for its share of microbatches, followed in three ways [s].

    On one group: from the first op of the first microbatch to its next, and from the last op of the last one. On two,
    whatever the order: as long as the devices work for all. In any case: as long as one microbatch takes.
    """
    if cost.exchange is not None:
        first, last = (cost.exchange.turn_s(share, of_last=of_last) for of_last in (False, True))
        return first, last, cost.path_s
    work = cost.parts_s[-1]
    if of is Role.HOST:
        work = cost.attention_s + sum(cost.parts_s[:-1])
    return share * work, share * work, cost.path_s


def layer_cost(layer: Layer, replica: Replica) -> LayerCost:
    """Return the cost of a layer."""
    cost = {
        Way.NEAR: _same_group,
        Way.AWAY: _same_group,
        Way.RELAY: _relay,
        Way.DIRECT: _direct,
        Way.SPLIT: _split,
    }[layer.way]
    return cost(layer, replica)


def _attention(layer: Layer, group: Group, replica: Replica) -> float:
    return attention_s(layer.ops, layer.family, group, replica.batch)


def _ffn(layer: Layer, group: Group, replica: Replica) -> NearMoe:
    """Return an FFN on the group where its tokens are; a dense one exchanges nothing."""
    if layer.ops.dense is not None:
        return NearMoe(0.0, dense_s(layer.ops.dense, group, replica.batch), 0.0, 0.0)
    return moe_s(_moe(layer), group, layer.loads[0], replica.batch)


def _moe(layer: Layer) -> MoeOps:
    if layer.ops.moe is None:
        raise ValueError(f"a layer without experts cannot lie in the way {layer.way}")
    return layer.ops.moe


def _same_group(layer: Layer, replica: Replica) -> LayerCost:
    group = replica.groups[Role.HOST if layer.way is Way.NEAR else Role.SIDECAR]
    attention, ffn = _attention(layer, group, replica), _ffn(layer, group, replica)
    path, order = attention + ffn.work_s + ffn.exchange_s, (ffn.there_s, ffn.experts_s, ffn.back_s)
    return LayerCost(path, attention, (ffn.work_s,), ffn.exchange_s, exchange=Exchange(attention + ffn.other_s, *order))


def _relay(layer: Layer, replica: Replica) -> LayerCost:
    sidecar = replica.groups[Role.SIDECAR]
    attention = _attention(layer, replica.groups[Role.HOST], replica)
    ffn = _ffn(layer, sidecar, replica)
    out_bytes = float(replica.batch.hidden_bytes * replica.batch.tokens)
    arrival = replica.link.hop_s(out_bytes) + gather_hidden_s(sidecar, replica.batch)
    path = attention + arrival + ffn.work_s + ffn.exchange_s
    return LayerCost(path, attention, (ffn.work_s,), ffn.exchange_s, out_bytes)


def _copies_bytes(layer: Layer, replica: Replica) -> tuple[float, float]:
    """Return the bytes of the copies a microbatch sends to the sidecar's experts, there and back."""
    shape, ranks = replica.groups[Role.SIDECAR].shape, replica.groups[Role.SIDECAR].expert_ranks
    width = layer.loads[-1].copies(shape.expert_tp, ranks) * _moe(layer).width
    if layer.way is Way.DIRECT and _moe(layer).shared is not None:
        width += shape.tp * replica.batch.hidden_size
    elements = replica.batch.tokens * width
    return elements * replica.batch.dispatch_bytes, elements * 2.0


def _direct(layer: Layer, replica: Replica) -> LayerCost:
    host, sidecar = replica.groups[Role.HOST], replica.groups[Role.SIDECAR]
    moe = _moe(layer)
    attention = _attention(layer, host, replica)
    experts = shared_s(moe, sidecar) + experts_s(moe.expert, sidecar, layer.loads[0])
    out_bytes, back_bytes = _copies_bytes(layer, replica)
    hops = replica.link.hop_s(out_bytes) + replica.link.hop_s(back_bytes)
    path = attention + hops + experts + gather_hidden_s(host, replica.batch)
    return LayerCost(path, attention, (experts,), 0.0, out_bytes, back_bytes)


def _split(layer: Layer, replica: Replica) -> LayerCost:
    host, sidecar = replica.groups[Role.HOST], replica.groups[Role.SIDECAR]
    moe = _moe(layer)
    attention = _attention(layer, host, replica)
    cold = moe_s(moe, host, layer.loads[0], replica.batch)
    hot = experts_s(moe.expert, sidecar, layer.loads[1])
    out_bytes, back_bytes = _copies_bytes(layer, replica)
    hops = replica.link.hop_s(out_bytes) + replica.link.hop_s(back_bytes)
    path = attention + max(cold.work_s + cold.exchange_s, hops + hot + gather_hidden_s(host, replica.batch))
    return LayerCost(path, attention, (cold.work_s, hot), cold.exchange_s, out_bytes, back_bytes)
