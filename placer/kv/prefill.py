"""Time to compute a prompt on a data-parallel rank, at the devices' MFU per kernel family (physics A3, E3).

Floors, reads of weights, collectives and uneven experts are left out: prefill takes longer, never less.
"""

from __future__ import annotations

from placer.catalog.kernel import KernelFamily
from placer.cost.group import Group
from placer.cost.shard import held_format, shard_flops_per_token
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.graph.op import Op
from placer.model.precision import WeightFormat


def prefill_s(group: Group, ops: LayerOps, tokens: int) -> float:
    """Return the time of one layer that lies whole on a group [s]."""
    shared = shared_s(group, ops.moe, tokens) if ops.moe else 0.0
    routed = routed_s(group, ops.moe, ops.moe.top_k, tokens) if ops.moe else 0.0
    return attention_s(group, ops, tokens) + dense_s(group, ops, tokens) + shared + routed


def attention_s(group: Group, ops: LayerOps, tokens: int) -> float:
    """Return the time of a layer's attention and router [s]."""
    per_token = sum(_gemm_s(group, op, group.shape.tp) for op in (ops.projection, ops.output))
    per_token += _gemm_s(group, ops.moe.router, 1) if ops.moe else 0.0
    return tokens * per_token + _core_s(group, ops.core, tokens)


def dense_s(group: Group, ops: LayerOps, tokens: int) -> float:
    """Return the time of a layer's dense FFN, if it has one [s]."""
    return tokens * _gemm_s(group, ops.dense, group.shape.tp) if ops.dense is not None else 0.0


def shared_s(group: Group, moe: MoeOps, tokens: int) -> float:
    """Return the time of the shared experts, if there are any [s]."""
    return tokens * _gemm_s(group, moe.shared, group.shape.tp) if moe.shared else 0.0


def routed_s(group: Group, moe: MoeOps, selected: float, tokens: int) -> float:
    """Return the time of routed experts, ``selected`` of them a token: the rank's even share of the stage's [s]."""
    return tokens * _gemm_s(group, moe.expert, 1, KernelFamily.MOE) * selected / group.shape.tp


def _gemm_s(group: Group, op: Op, cuts: int, family: KernelFamily = KernelFamily.GEMM) -> float:
    """Return the time of one token in one of so many shards of an op [s]."""
    if not op.matrices:
        return 0.0
    weights, precision = held_format(op, group.device)
    reached = group.device.kernel(family, weights).mfu * group.device.peak[precision]
    return shard_flops_per_token(op, cuts) / reached


def _core_s(group: Group, op: Op, tokens: int) -> float:
    """Return the time of a mixer's core over a prompt: every token attends to those before it [s]."""
    family = KernelFamily.MLA_PREFILL if op.is_latent else KernelFamily.ATTENTION_PREFILL
    kernel = group.device.kernel(family, WeightFormat(op.cache_format.value))
    reached = kernel.mfu * group.device.peak[held_format(op, group.device)[1]]
    return (op.prompt_flops(tokens) + tokens * op.flops_per_token) / (group.shape.tp * reached)
