"""Lowering of grouped-query attention (physics A2: MHA, GQA, MQA, sliding windows, sinks)."""

from __future__ import annotations

from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.model.mixer import GroupedQueryAttention
from placer.model.precision import Precision

_ATTENTION = ParameterKind.ATTENTION


def lower(mixer: GroupedQueryAttention, hidden_size: int, precision: Precision) -> tuple[Op, Op, Op]:
    """Return projection, core and output of one attention block.

    The input norm is folded into the projection. Keys and values can be cut into ``num_kv_heads`` parts;
    wider tensor parallelism replicates them.
    """
    query_width, kv_width = mixer.num_heads * mixer.head_dim, mixer.num_kv_heads * mixer.head_dim
    stored = precision.attention
    matrices = (
        Matrix(query_width, hidden_size, stored, _ATTENTION, mixer.num_heads),
        Matrix(kv_width, hidden_size, stored, _ATTENTION, mixer.num_kv_heads),
        Matrix(kv_width, hidden_size, stored, _ATTENTION, mixer.num_kv_heads),
    )
    vectors = [Vector(hidden_size, ParameterKind.NORM)]
    if mixer.qkv_bias:
        vectors.append(Vector(query_width + 2 * kv_width, _ATTENTION))
    if mixer.qk_norm:
        vectors.append(Vector(2 * mixer.head_dim, _ATTENTION))
    projection = Op(
        OpKind.ATTENTION_PROJECTION,
        matrices,
        tuple(vectors),
        flops_per_token=matrix_flops(matrices),
        intermediate_width=query_width + 2 * kv_width,
    )
    core = Op(
        OpKind.ATTENTION_CORE,
        vectors=(Vector(mixer.num_heads, _ATTENTION),) if mixer.sinks else (),
        flops_per_context_token=4 * query_width,
        kv_bytes_per_token=2 * kv_width * precision.kv.element_bytes,
        kv_max_shards=mixer.num_kv_heads,
        window=mixer.window,
        intermediate_width=query_width,
    )
    out = (Matrix(hidden_size, query_width, stored, _ATTENTION, mixer.num_heads),)
    output = Op(
        OpKind.ATTENTION_OUTPUT,
        out,
        (Vector(hidden_size, _ATTENTION),) if mixer.output_bias else (),
        flops_per_token=matrix_flops(out),
        intermediate_width=hidden_size,
    )
    return projection, core, output
