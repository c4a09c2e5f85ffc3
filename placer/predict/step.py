"""Time of one engine step on a deployment: decode of a batch, or prefill of a chunk."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from placer.catalog.kernel import KernelFamily
from placer.cost import block_time, prompt_pass
from placer.cost.collective import all_reduce_s, all_to_all_s, hop_s
from placer.cost.group import Batch, Group
from placer.cost.prompt_pass import Chunks
from placer.cost.shard import held_format
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerClass
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.model.precision import WeightFormat
from placer.predict.expert_draws import busiest_rank
from placer.predict.parts import OpClass, Parts
from placer.scenario.routing import RoutingProfile


@dataclass(frozen=True)
class Prompts:
    """Prompts of equal length that a step works on: each rank has ``per_rank`` of them, ``tokens`` long."""

    per_rank: float
    tokens: int


@dataclass(frozen=True)
class StepModel:
    """A model on a deployment.

    Attributes
    ----------
    model
        Lowered, in the formats it is served in.
    group
        Devices, links and degrees of one stage; ``stages`` of its shape are the pipeline's.
    routing
        How tokens spread over experts.
    """

    model: ModelGraph
    group: Group
    routing: RoutingProfile

    def decode(self, rank_tokens: float, context: int) -> Parts:
        """Return a step in which every data-parallel rank decodes one token for each of its requests."""
        parts = Parts()
        tokens = np.array([rank_tokens])
        for entry in self.model.layer_classes:
            core = float(block_time.core_s(self.group, entry.ops.core, tokens, context)[0])
            self._layer(parts, entry, rank_tokens, core)
        self._outside(parts, rank_tokens, rank_tokens)
        return parts

    def prefill(self, prompts: Prompts) -> Parts:
        """Return a step that prefills whole prompts; only their last tokens pass the LM head."""
        parts, whole = Parts(), Chunks(prompts.per_rank, (0,), (prompts.tokens,))
        for entry in self.model.layer_classes:
            core = float(prompt_pass.core_s(self.group, entry.ops.core, whole)[0])
            self._layer(parts, entry, prompts.per_rank * prompts.tokens, core)
        self._outside(parts, prompts.per_rank * prompts.tokens, prompts.per_rank)
        return parts

    def _layer(self, parts: Parts, entry: LayerClass, rank_tokens: float, core_s: float) -> None:
        ops, times, tp = entry.ops, entry.count, self.group.shape.tp
        if ops.has_mixer:
            self._gemm(parts, OpClass.ATTENTION_PROJECTION, ops.projection, tp, rank_tokens, times)
            family = KernelFamily.MLA if ops.core.is_latent else KernelFamily.ATTENTION
            kernel = self.group.device.kernel(family, WeightFormat(ops.core.cache_format.value))
            floor = min(core_s, ops.core.kernels * kernel.floor)
            parts.add(OpClass.ATTENTION_CORE, floor, core_s, times)
            self._gemm(parts, OpClass.ATTENTION_OUTPUT, ops.output, tp, rank_tokens, times)
            self._reduce(parts, rank_tokens, times)
        if ops.dense is not None and ops.has_ffn:
            self._gemm(parts, OpClass.DENSE_FFN, ops.dense, tp, rank_tokens, times)
            self._reduce(parts, rank_tokens, times)
        if ops.moe is not None:
            self._experts(parts, ops.moe, rank_tokens, times)

    def _gemm(self, parts: Parts, kind: OpClass, op: Op, shards: int, tokens: float, times: float) -> None:
        total = float(block_time.gemm_s(self.group, op, shards, np.array([tokens]))[0])
        kernel = self.group.device.kernel(KernelFamily.GEMM, held_format(op, self.group.device)[0])
        parts.add(kind, op.kernels * kernel.floor, total, times)

    def _experts(self, parts: Parts, moe: MoeOps, rank_tokens: float, times: float) -> None:
        shape, device = self.group.shape, self.group.device
        self._gemm(parts, OpClass.ROUTER, moe.router, 1, rank_tokens, times)
        if moe.shared is not None:
            self._gemm(parts, OpClass.SHARED_EXPERTS, moe.shared, shape.tp, rank_tokens, times)
        weights, _ = held_format(moe.expert, device)
        selection = self.routing.selection_probability(moe.num_experts, moe.top_k)
        load = busiest_rank(tuple(selection), shape.ep, max(1.0, rank_tokens * shape.dp))
        drawn = np.array([load[0]]), np.array([load[1]])
        total = block_time.loaded_experts_s(self.group, moe, drawn, shape.expert_ranks.slots(moe.num_experts))
        floor = device.kernel(KernelFamily.MOE, weights).floor
        parts.add(OpClass.EXPERTS, floor, float(total[0]), times)
        if shape.dp == 1:  # every rank has every token: each adds what its experts make of them
            self._reduce(parts, rank_tokens, times)
        else:
            self._exchange(parts, moe, rank_tokens, times)

    def _exchange(self, parts: Parts, moe: MoeOps, rank_tokens: float, times: float) -> None:
        """Add the way of tokens to their experts and back, in both directions."""
        group, shape = self.group, self.group.shape
        copies = block_time.expert_copies(group, moe.top_k, moe.num_experts)
        batch = Batch(np.array([rank_tokens * shape.dp]), np.array([rank_tokens]), np.array([rank_tokens / shape.tp]))
        dispatch = self.model.spec.precision.dispatch
        there, back = block_time.exchange_s(group, copies, batch, moe.width, dispatch)
        total = float(there[0] + back[0])
        size = (shape.width, group.domain)
        floor = 2.0 * float(all_to_all_s(group.link, group.scale_out, size, 0.0))
        parts.add(OpClass.ALL_TO_ALL, floor, total, times)
        self._reduce(parts, rank_tokens, times)

    def _reduce(self, parts: Parts, rank_tokens: float, times: float) -> None:
        shape = self.group.shape
        if shape.tp == 1:
            return
        hidden = rank_tokens * self.model.spec.hidden_size * block_time.HIDDEN_BYTES
        total = all_reduce_s(self.group.link, shape.tp, hidden, self.group.far)
        parts.add(OpClass.ALL_REDUCE, all_reduce_s(self.group.link, shape.tp, 0.0, self.group.far), total, times)

    def _outside(self, parts: Parts, rank_tokens: float, sampled: float) -> None:
        """Add embedding, LM head, and the hops between pipeline stages."""
        group, shape, hidden = self.group, self.group.shape, self.model.spec.hidden_size
        batch = Batch(np.array([rank_tokens]), np.array([rank_tokens]), np.array([rank_tokens]))
        whole = replace(group, shape=replace(shape, tp=1))
        lookup = float(block_time.embedding_s(whole, self.model.embedding, batch, hidden)[0])
        parts.add(OpClass.EMBEDDING, lookup, lookup)
        self._gemm(parts, OpClass.LM_HEAD, self.model.lm_head, shape.tp, sampled, 1.0)
        for _ in range(shape.stages - 1):
            link = group.stage_link
            message = rank_tokens * hidden * block_time.HIDDEN_BYTES / shape.tp
            hop = hop_s(link.latency, link.effective_bytes_per_s, message)
            parts.add(OpClass.PIPELINE, link.latency, hop)
