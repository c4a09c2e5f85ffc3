"""What a lowered model weighs and costs: parameters, bytes, KV cache, FLOPs, per op class and in total."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from placer.graph.ffns.moe import MoeOps
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op, OpKind, ParameterKind


@dataclass(frozen=True)
class OpClass:
    """Equal ops of a model.

    Attributes
    ----------
    op
        What each of them is.
    count
        How many there are.
    visits_per_token
        How many of them one token passes; ``top_k`` per layer for routed experts.
    """

    op: Op
    count: int
    visits_per_token: int

    @property
    def weight_bytes(self) -> int:
        """Bytes of all of them in a checkpoint, where a tied copy has none."""
        tied = sum(matrix.stored_bytes() for matrix in self.op.matrices if not matrix.is_counted)
        return self.count * (self.op.weight_bytes - tied)

    def flops_per_token(self, context: int) -> int:
        """Return the FLOPs of one decoded token in all of them, at a context."""
        op = self.op
        return self.visits_per_token * (op.flops_per_token + op.context_flops(context))

    def prompt_flops(self, tokens: int) -> int:
        """Return the FLOPs of a whole prompt in all of them; the LM head sees its last token only."""
        passed = 1 if self.op.kind is OpKind.LM_HEAD else tokens
        return self.visits_per_token * (passed * self.op.flops_per_token + self.op.prompt_flops(tokens))

    def kv_bytes_per_sequence(self, context: int) -> int:
        """Return the KV cache of one sequence in all of them; indices and states left out."""
        return self.count * self.op.kv_bytes(context)

    def held_bytes_per_sequence(self, context: int) -> int:
        """Return KV cache, indices and states of one sequence in all of them."""
        return self.count * self.op.held_bytes(context)


def op_classes(model: ModelGraph) -> tuple[OpClass, ...]:
    """Return the op classes of a model in order of first appearance."""
    counts = Counter[Op](node.op for node in model.nodes())
    visits = Counter[Op]()
    for ops in model.layer_ops:
        if isinstance(ops.ffn, MoeOps):
            visits[ops.ffn.expert] += ops.ffn.top_k
    return tuple(OpClass(op, count, visits.get(op, count)) for op, count in counts.items())


@dataclass(frozen=True)
class Totals:
    """Sums over a model; the field names are those of ``placer lower --json``."""

    parameters: int
    active_parameters: int
    active_parameters_without_input_embedding: int
    parameters_by_kind: dict[ParameterKind, int]
    weight_bytes: int
    kv_bytes_per_token: int
    index_bytes_per_token: int
    state_bytes_per_sequence: int
    kv_bytes_per_sequence: int
    held_bytes_per_sequence: int
    flops_per_token: int
    prefill_flops_per_token: float


def totals(model: ModelGraph, context: int, classes: tuple[OpClass, ...] = ()) -> Totals:
    """Return the sums of a model.

    Parameters
    ----------
    model
        The lowered model.
    context
        Tokens in the KV cache when a token is decoded; length of the prompt for prefill.
    classes
        Those of `op_classes`, where a caller has them.

    Returns
    -------
    Totals
        ``kv_bytes_per_token`` is what one more token costs while no window is full. ``held_bytes_per_sequence`` is KV
        cache, indices and states together. ``prefill_flops_per_token`` is the mean over a prompt.
    """
    classes = classes or op_classes(model)
    by_kind = dict.fromkeys(ParameterKind, 0)
    active = 0
    for entry in classes:
        for kind, count in entry.op.parameters.items():
            by_kind[kind] += count * entry.count
            active += count * entry.visits_per_token
    embedding = sum(model.embedding.parameters.values())
    return Totals(
        parameters=sum(by_kind.values()),
        active_parameters=active,
        active_parameters_without_input_embedding=active - (0 if model.spec.tie_word_embeddings else embedding),
        parameters_by_kind=by_kind,
        weight_bytes=sum(entry.weight_bytes for entry in classes),
        kv_bytes_per_token=sum(entry.count * entry.op.kv_bytes_per_token for entry in classes),
        index_bytes_per_token=sum(entry.count * entry.op.index_bytes_per_token for entry in classes),
        state_bytes_per_sequence=sum(entry.count * entry.op.state_bytes for entry in classes),
        kv_bytes_per_sequence=sum(entry.kv_bytes_per_sequence(context) for entry in classes),
        held_bytes_per_sequence=sum(entry.held_bytes_per_sequence(context) for entry in classes),
        flops_per_token=sum(entry.flops_per_token(context) for entry in classes),
        prefill_flops_per_token=sum(entry.prompt_flops(context) for entry in classes) / max(1, context),
    )


def read_bytes(entry: OpClass, batch: int, context: int) -> float:
    """Return the bytes one decode step reads in all ops of a class, uniform routing.

    A batch of ``B`` tokens touches ``E (1 - (1 - k/E)^B)`` of ``E`` experts (physics B1); an embedding is
    read row by row.
    """
    op = entry.op
    kept = sum(cache.read(context) * cache.entry_bytes for cache in op.caches) + op.state_bytes
    kept *= entry.count * batch
    if op.kind is OpKind.EMBEDDING:
        return kept + batch * op.weight_bytes / op.matrices[0].rows
    untouched = (1 - entry.visits_per_token / entry.count) ** batch
    return kept + entry.count * op.weight_bytes * (1 - untouched)
