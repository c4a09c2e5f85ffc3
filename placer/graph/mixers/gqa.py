"""Lowering of grouped-query attention (physics A2: MHA, GQA, MQA, sliding windows, sinks)."""

from __future__ import annotations

from placer.graph.op import Cache, Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.graph.residual import norm, norms_after, stream_mixing
from placer.model.mixer import GroupedQueryAttention, QkNorm
from placer.model.spec import ModelSpec

_ATTENTION = ParameterKind.ATTENTION


def lower(mixer: GroupedQueryAttention, spec: ModelSpec) -> tuple[Op, Op, Op]:
    """Return projection, core and output of one attention block.

    The input norm is folded into the projection. Keys and values can be cut into ``num_kv_heads`` parts;
    wider tensor parallelism replicates them.
    """
    hidden_size, stored = spec.hidden_size, spec.precision.attention
    query_width, kv_width = mixer.num_heads * mixer.head_dim, mixer.num_kv_heads * mixer.head_dim
    queries = query_width * (2 if mixer.output_gate else 1)
    keys = Matrix(kv_width, hidden_size, stored, _ATTENTION, mixer.num_kv_heads)
    mixing, mixing_vectors = stream_mixing(spec)
    matrices = (
        Matrix(queries, hidden_size, stored, _ATTENTION, mixer.num_heads),
        *((keys,) if mixer.value_is_key else (keys, keys)),
    )
    projected = sum(matrix.rows for matrix in matrices)
    index, index_norm, index_cache = _index(mixer, spec)
    matrices += index
    projection = Op(
        OpKind.ATTENTION_PROJECTION,
        matrices + mixing,
        (norm(spec), *_small(mixer, projected), *index_norm, *mixing_vectors),
        flops_per_token=matrix_flops(matrices + mixing),
        intermediate_width=queries + 2 * kv_width,
    )
    cache = Cache(
        2 * kv_width * spec.precision.kv.element_bytes,
        4 * query_width,
        window=mixer.window,
        most_read=mixer.indexer.top_k if mixer.indexer else None,
    )
    core = Op(
        OpKind.ATTENTION_CORE,
        vectors=(Vector(mixer.num_heads, _ATTENTION),) if mixer.sinks else (),
        caches=(cache, *index_cache),
        kernels=1 if mixer.indexer is None else 2,
        kv_max_shards=mixer.num_kv_heads,
        intermediate_width=query_width,
        num_heads=mixer.num_heads,
        query_width=query_width,
        cache_format=spec.precision.kv,
    )
    out = (Matrix(hidden_size, query_width, stored, _ATTENTION, mixer.num_heads, cuts_inputs=True),)
    bias = (Vector(hidden_size, _ATTENTION),) if mixer.output_bias else ()
    output = Op(
        OpKind.ATTENTION_OUTPUT,
        out,
        bias + norms_after(spec, has_post_norm=mixer.post_norm),
        flops_per_token=matrix_flops(out),
        intermediate_width=hidden_size,
    )
    return projection, core, output


def _small(mixer: GroupedQueryAttention, projected: int) -> list[Vector]:
    vectors = [Vector(projected, _ATTENTION)] if mixer.qkv_bias else []
    if mixer.qk_norm is QkNorm.HEAD:
        vectors.append(Vector(2 * mixer.head_dim, _ATTENTION))
    elif mixer.qk_norm is QkNorm.FULL:
        vectors.append(Vector((mixer.num_heads + mixer.num_kv_heads) * mixer.head_dim, _ATTENTION))
    return vectors


def _index(
    mixer: GroupedQueryAttention, spec: ModelSpec
) -> tuple[tuple[Matrix, ...], tuple[Vector, ...], tuple[Cache, ...]]:
    """Return matrices, norms and cache of an indexer beside grouped-query attention (MiniMax-M3).

    Its queries and its one key come from the hidden state; both are normalised per head.
    """
    index = mixer.indexer
    if index is None:
        return (), (), ()
    stored, heads, width = spec.precision.attention, index.num_heads, index.head_dim
    matrices = (
        Matrix(heads * width, spec.hidden_size, stored, _ATTENTION, heads),
        Matrix(width, spec.hidden_size, stored, _ATTENTION),
    )
    entry = width * spec.precision.kv.element_bytes
    return matrices, (Vector(2 * width, _ATTENTION),), (Cache(entry, 2 * heads * width, is_index=True),)
