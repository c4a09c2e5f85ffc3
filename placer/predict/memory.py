"""Memory of a configuration on its fullest device (physics D3)."""

from __future__ import annotations

from placer.catalog.engine import ServingEngine
from placer.cost.block_bytes import attention_bytes, cut_bytes, expert_bytes, kv_bytes_per_sequence
from placer.cost.group import Group
from placer.graph.layer_class import LayerClass
from placer.graph.model_graph import ModelGraph
from placer.predict.configuration import Configuration
from placer.predict.prediction import DeviceMemory

#: Bytes of an activation.
_HIDDEN_BYTES = 2


class MemoryModel:
    """Bytes of a model on a group, as a function of the requests that run."""

    def __init__(self, model: ModelGraph, group: Group, configuration: Configuration, engine: ServingEngine) -> None:
        self._model, self._group, self._configuration, self._engine = model, group, configuration, engine
        page, length = engine.page_tokens, configuration.isl + configuration.osl
        context = -(-length // page) * page
        ops = [entry for entry in model.layer_classes for _ in entry.layers]
        per_stage = -(-len(ops) // configuration.pp)
        self._weights = self._layers(ops, per_stage) + self._ends()
        kv = [kv_bytes_per_sequence(group, entry.ops.core, context) for entry in ops]
        self._kv_per_request = max(sum(kv[start : start + per_stage]) for start in range(0, len(kv), per_stage))

    def use(self, running: int) -> DeviceMemory:
        """Return the bytes with ``running`` requests on every data-parallel rank."""
        kv = running * self._kv_per_request
        total = self._weights + kv + self._activations() + int(self._engine.memory)
        capacity = int(self._group.device.compute_tier.capacity)
        return DeviceMemory(
            weights=self._weights,
            kv_cache=kv,
            activations=self._activations(),
            runtime=int(self._engine.memory),
            total=total,
            capacity=capacity,
        )

    def most_running(self) -> int:
        """Return how many requests of full length fit on a data-parallel rank; 0 where weights alone do not."""
        empty = self.use(0)
        if not self._kv_per_request:
            return self._configuration.batch if empty.total <= empty.capacity else 0
        return max(0, (empty.capacity - empty.total) // self._kv_per_request)

    def _layers(self, ops: list[LayerClass], per_stage: int) -> int:
        bytes_of = [self._layer(entry) for entry in ops]
        return max(sum(bytes_of[start : start + per_stage]) for start in range(0, len(ops), per_stage))

    def _layer(self, entry: LayerClass) -> int:
        group, ops = self._group, entry.ops
        held = attention_bytes(group, ops)
        if ops.dense is not None:
            return held + cut_bytes(group, ops.dense)
        if ops.moe is None:
            return held
        shared = cut_bytes(group, ops.moe.shared) if ops.moe.shared else 0
        return held + shared + expert_bytes(group, ops.moe, ops.moe.num_experts)

    def _ends(self) -> int:
        """Return embedding and LM head; pipelines keep them on different stages, the larger counts."""
        ends = [cut_bytes(self._group, op) for op in (self._model.embedding, self._model.lm_head)]
        if self._model.spec.tie_word_embeddings or self._configuration.pp > 1:
            return max(ends)
        return sum(ends)

    def _activations(self) -> int:
        """Return the widest activations of a prefill step, twice, and a buffer of hidden states to send and receive."""
        tokens = min(self._engine.prefill_tokens, self._configuration.batch * self._configuration.isl)
        hidden, tp = self._model.spec.hidden_size, self._group.shape.tp
        widths = [op.intermediate_width / tp for ops in self._model.layer_ops for op in ops.attention]
        widths += [ops.dense.intermediate_width / tp for ops in self._model.layer_ops if ops.dense is not None]
        for ops in self._model.layer_ops:
            if ops.moe is not None:
                copied = ops.moe.expert.intermediate_width + 2 * ops.moe.width
                widths.append(ops.moe.top_k * copied / self._group.shape.width)
        logits = self._configuration.batch * self._model.lm_head.intermediate_width / tp
        return int(_HIDDEN_BYTES * (tokens * (4 * hidden + 2 * max(widths)) + 2 * logits))
