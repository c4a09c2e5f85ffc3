"""An op of the lowered model: its weights to the byte, its work per token.

Ops are values. The thousands of ops of a large model share a few dozen `Op` objects; which layer and which
expert a node belongs to stands on the node (`graph.model_graph`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from placer.model.precision import WeightFormat, matrix_bytes


class OpKind(StrEnum):
    """What an op does."""

    EMBEDDING = "embedding"
    ATTENTION_PROJECTION = "attention_projection"
    ATTENTION_CORE = "attention_core"
    ATTENTION_OUTPUT = "attention_output"
    ROUTER = "router"
    DENSE_FFN = "dense_ffn"
    EXPERT = "expert"
    SHARED_EXPERT = "shared_expert"
    LM_HEAD = "lm_head"


class ParameterKind(StrEnum):
    """The book a parameter is counted in."""

    EMBED = "embed"
    ATTENTION = "attn"
    DENSE_FFN = "dense_ffn"
    ROUTER = "router"
    ROUTED_EXPERTS = "routed_experts"
    SHARED_EXPERTS = "shared_experts"
    LM_HEAD = "lm_head"
    SSM = "ssm"
    NORM = "norm"


@dataclass(frozen=True)
class Matrix:
    """A weight matrix.

    Attributes
    ----------
    rows, columns
        Output and input features.
    weight_format
        How the checkpoint stores it.
    parameter_kind
        Where its parameters are counted.
    max_shards
        Into how many different parts tensor parallelism can cut it; beyond that parts are replicated.
    is_counted
        False for a tied copy, whose bytes are needed but whose parameters were counted before.
    """

    rows: int
    columns: int
    weight_format: WeightFormat
    parameter_kind: ParameterKind
    max_shards: int = 1
    is_counted: bool = True

    @property
    def elements(self) -> int:
        """Number of weights."""
        return self.rows * self.columns

    def stored_bytes(self, weight_format: WeightFormat | None = None) -> int:
        """Return the bytes, scales included, in the given or the checkpoint's format."""
        return matrix_bytes(self.rows, self.columns, weight_format or self.weight_format)


@dataclass(frozen=True)
class Vector:
    """Norm weights, biases, sinks: small, never quantised, replicated everywhere."""

    elements: int
    parameter_kind: ParameterKind
    element_bytes: int = 2
    is_parameter: bool = True


@dataclass(frozen=True)
class Op:
    """One op, as bytes and FLOPs.

    Attributes
    ----------
    kind
        What it does.
    matrices, vectors
        Its weights.
    flops_per_token
        FLOPs per token that passes, without the part that grows with context.
    flops_per_context_token
        FLOPs per token and per token it attends to.
    kv_bytes_per_token
        Bytes of KV cache one token leaves behind in this op.
    kv_max_shards
        Into how many different parts the KV cache of one sequence can be cut by heads.
    window
        How many tokens back a query looks, itself included; None means all.
    kernels
        Dependent kernel launches; each pays the device's floor.
    intermediate_width
        Widest activation inside the op, elements per token.
    """

    kind: OpKind
    matrices: tuple[Matrix, ...] = ()
    vectors: tuple[Vector, ...] = ()
    flops_per_token: int = 0
    flops_per_context_token: int = 0
    kv_bytes_per_token: int = 0
    kv_max_shards: int = 1
    window: int | None = None
    kernels: int = 1
    intermediate_width: int = 0

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of all weights in the checkpoint's formats."""
        vectors = sum(vector.elements * vector.element_bytes for vector in self.vectors)
        return vectors + sum(matrix.stored_bytes() for matrix in self.matrices)

    @cached_property
    def parameters(self) -> dict[ParameterKind, int]:
        """Parameters by kind; tied copies and buffers are left out."""
        counts: dict[ParameterKind, int] = {}
        for matrix in self.matrices:
            if matrix.is_counted:
                counts[matrix.parameter_kind] = counts.get(matrix.parameter_kind, 0) + matrix.elements
        for vector in self.vectors:
            if vector.is_parameter:
                counts[vector.parameter_kind] = counts.get(vector.parameter_kind, 0) + vector.elements
        return counts

    def attended_tokens(self, context: int) -> int:
        """Return how many cached tokens a query at the given context reads."""
        return min(context, self.window) if self.window else context


def matrix_flops(matrices: tuple[Matrix, ...]) -> int:
    """Return the FLOPs of one token through matrices; a multiply-add counts two."""
    return sum(2 * matrix.elements for matrix in matrices)
