"""A data-parallel rank that keeps sessions: what a session weighs on it, what fits, and what recomputing it takes."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.kernel import KernelFamily
from placer.cost.block_bytes import attention_bytes, cut_bytes, expert_bytes, kv_bytes_per_sequence
from placer.cost.group import Group
from placer.cost.shard import held_format, shard_flops_per_token
from placer.graph.layer_class import LayerOps
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.model.precision import WeightFormat


@dataclass(frozen=True)
class Rank:
    """Models on the devices of a stage; one data-parallel rank of them keeps a session.

    Attributes
    ----------
    group
        Devices, links and degrees; one stage.
    models
        The model, and its draft model where there is one: both keep KV cache of a session.
    """

    group: Group
    models: tuple[ModelGraph, ...]

    @property
    def tp(self) -> int:
        """Devices of the rank."""
        return self.group.shape.tp

    def weight_bytes(self) -> int:
        """Return the weights of all models on one device [B]; experts are spread over the whole stage."""
        return sum(_weight_bytes(self.group, model) for model in self.models)

    def room_bytes(self) -> int:
        """Return what one device has left for KV cache beside weights and reserve [B]; negative where they do not fit.

        Activations are left out: paused sessions have none.
        """
        return self.group.device.usable_bytes - self.weight_bytes()

    def device_bytes(self, context: int) -> int:
        """Return what each device keeps of a session at a context, in whole pages, copies included [B]."""
        return sum(
            entry.count * kv_bytes_per_sequence(self.group, entry.ops.core, context)
            for model in self.models
            for entry in model.layer_classes
        )

    def stored_bytes(self, context: int) -> int:
        """Return what a session weighs at a context where every byte is kept once [B]."""
        tokens = self.group.device.paged(context)
        return sum(
            entry.count * entry.ops.core.held_bytes(tokens) for model in self.models for entry in model.layer_classes
        )

    def recompute_s(self, context: int) -> float:
        """Return the time to prefill a session again, at the devices' MFU (physics A3, E3).

        Floors, reads of weights, collectives and uneven experts are left out: prefill takes longer, never less.
        """
        return sum(
            entry.count * _prefill_s(self.group, entry.ops, context)
            for model in self.models
            for entry in model.layer_classes
        )


def _weight_bytes(group: Group, model: ModelGraph) -> int:
    held = cut_bytes(group, model.embedding) + cut_bytes(group, model.lm_head)
    for entry in model.layer_classes:
        ops, layer = entry.ops, attention_bytes(group, entry.ops)
        if ops.dense is not None:
            layer += cut_bytes(group, ops.dense)
        if ops.moe is not None:
            layer += cut_bytes(group, ops.moe.shared) if ops.moe.shared else 0
            layer += expert_bytes(group, ops.moe, ops.moe.num_experts)
        held += entry.count * layer
    return held


def _prefill_s(group: Group, ops: LayerOps, tokens: int) -> float:
    """Return the time of one layer over a prompt [s]."""
    tp = group.shape.tp
    per_token = sum(_gemm_s(group, op, tp) for op in (ops.projection, ops.output, ops.dense) if op is not None)
    if ops.moe is not None:
        per_token += _gemm_s(group, ops.moe.router, 1)
        per_token += _gemm_s(group, ops.moe.shared, tp) if ops.moe.shared else 0.0
        per_token += _gemm_s(group, ops.moe.expert, 1, KernelFamily.MOE) * ops.moe.top_k / tp
    return tokens * per_token + _core_s(group, ops.core, tokens)


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
