"""Lowering of DeepSeek-V4's attention: shared key-values over a window, and over compressed blocks of all tokens.

Per token one key-value of ``head_dim``, the same for all heads, is kept for the window; every ``stride`` tokens one
compressed entry is kept for good. Dense blocks (``stride`` 128) are all read; fine ones (``stride`` 4) are picked by an
indexer, which compresses keys of its own. Shapes: transformers 5.23, ``deepseek_v4``.
"""

from __future__ import annotations

from placer.graph.op import Cache, Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.graph.residual import norm, stream_mixing
from placer.model.mixer import CompressedAttention
from placer.model.spec import ModelSpec

_ATTENTION = ParameterKind.ATTENTION


def lower(mixer: CompressedAttention, spec: ModelSpec) -> tuple[Op, Op, Op]:
    """Return projection, core and output of one attention block."""
    hidden_size, stored, heads = spec.hidden_size, spec.precision.attention, mixer.num_heads
    width, query_width = mixer.head_dim, mixer.num_heads * mixer.head_dim
    mixing, mixing_vectors = stream_mixing(spec)
    compressor, compressor_vectors = _compressor(mixer, spec)
    matrices = (
        Matrix(mixer.q_lora_rank, hidden_size, stored, _ATTENTION),
        Matrix(query_width, mixer.q_lora_rank, stored, _ATTENTION, heads),
        Matrix(width, hidden_size, stored, _ATTENTION),
        *compressor,
        *mixing,
    )
    projection = Op(
        OpKind.ATTENTION_PROJECTION,
        matrices,
        (norm(spec), Vector(mixer.q_lora_rank + width, _ATTENTION), *compressor_vectors, *mixing_vectors),
        flops_per_token=matrix_flops(matrices),
        kernels=2 if mixer.stride is None else 3,
        intermediate_width=query_width + width,
    )
    core = Op(
        OpKind.ATTENTION_CORE,
        vectors=(Vector(heads, _ATTENTION),),
        caches=_caches(mixer, spec),
        is_latent=True,
        kernels=1 if mixer.indexer is None else 2,
        intermediate_width=query_width,
        num_heads=heads,
        query_width=query_width,
        cache_format=spec.precision.kv,
    )
    low_rank = mixer.output_groups * mixer.output_lora_rank
    out = (
        Matrix(low_rank, query_width // mixer.output_groups, stored, _ATTENTION, mixer.output_groups),
        Matrix(hidden_size, low_rank, stored, _ATTENTION, mixer.output_groups, cuts_inputs=True),
    )
    output = Op(OpKind.ATTENTION_OUTPUT, out, flops_per_token=matrix_flops(out), kernels=2, intermediate_width=low_rank)
    return projection, core, output


def _compressor(mixer: CompressedAttention, spec: ModelSpec) -> tuple[list[Matrix], list[Vector]]:
    """Return the weights that compress blocks of tokens: value and gate per token, a bias per place in the block."""
    if mixer.stride is None:
        return [], []
    hidden_size, stored = spec.hidden_size, spec.precision.attention
    # Picked blocks overlap: each token is weighed for its own block and for the next.
    overlap = 1 if mixer.indexer is None else 2
    widths = [mixer.head_dim] if mixer.indexer is None else [mixer.head_dim, mixer.indexer.head_dim]
    matrices = [Matrix(overlap * width, hidden_size, stored, _ATTENTION) for width in widths for _ in range(2)]
    vectors = [Vector(mixer.stride * overlap * width + width, _ATTENTION) for width in widths]
    if mixer.indexer is not None:
        heads = mixer.indexer.num_heads
        matrices += [
            Matrix(heads * mixer.indexer.head_dim, mixer.q_lora_rank, stored, _ATTENTION, heads),
            Matrix(heads, hidden_size, spec.precision.router, _ATTENTION, heads),
        ]
    return matrices, vectors


def _caches(mixer: CompressedAttention, spec: ModelSpec) -> tuple[Cache, ...]:
    entry = mixer.head_dim * spec.precision.kv.element_bytes
    work = 4 * mixer.num_heads * mixer.head_dim
    caches = [Cache(entry, work, window=mixer.window)]
    if mixer.stride is not None:
        top_k = mixer.indexer.top_k if mixer.indexer else None
        caches.append(Cache(entry, work, stride=mixer.stride, most_read=top_k))
    if mixer.indexer is not None:
        index = mixer.indexer
        keys = index.head_dim * spec.precision.kv.element_bytes
        caches.append(Cache(keys, 2 * index.num_heads * index.head_dim, stride=mixer.stride or 1, is_index=True))
    return tuple(caches)
