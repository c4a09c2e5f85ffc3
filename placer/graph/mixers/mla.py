"""Lowering of multi-head latent attention in its absorbed decode form.

DeepSeek-V2, arXiv 2405.04434, section 2.1. Per token one latent of ``kv_lora_rank`` plus the rotary key is
cached, shared by all heads: it cannot be cut by tensor parallelism, every rank keeps a copy (physics A2). The
key half of the up-projection is folded into the query, the value half into the output; for prompts it is not.

With an indexer (DeepSeek sparse attention, V3.2 report, section 2.1) a light attention over one key per token, which is
cached too, picks the tokens that are read.
"""

from __future__ import annotations

from placer.graph.op import Cache, Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.graph.residual import norm
from placer.model.mixer import Indexer, LatentAttention
from placer.model.precision import Precision
from placer.model.spec import ModelSpec

_ATTENTION = ParameterKind.ATTENTION


def _query_matrices(mixer: LatentAttention, hidden_size: int, precision: Precision) -> tuple[Matrix, ...]:
    stored, heads = precision.attention, mixer.num_heads
    width = heads * (mixer.qk_nope_head_dim + mixer.qk_rope_head_dim)
    if mixer.q_lora_rank is None:
        return (Matrix(width, hidden_size, stored, _ATTENTION, heads),)
    return (
        Matrix(mixer.q_lora_rank, hidden_size, stored, _ATTENTION),
        Matrix(width, mixer.q_lora_rank, stored, _ATTENTION, heads),
    )


#: Indices are kept in FP8 with one FP32 scale per key (DeepSeek-V3.2 report; vLLM and SGLang caches alike).
_INDEX_SCALE_BYTES = 4


def indexer_ops(indexer: Indexer, widths: tuple[int, int], precision: Precision) -> tuple[list[Matrix], Vector, Cache]:
    """Return the matrices, norm and cache of an indexer.

    ``widths`` are those of the query latent it starts from and of the hidden state. Its key norm is a LayerNorm.
    """
    query_rank, hidden_size = widths
    heads, width = indexer.num_heads, indexer.head_dim
    matrices = [
        Matrix(heads * width, query_rank, precision.attention, _ATTENTION, heads),
        Matrix(width, hidden_size, precision.attention, _ATTENTION),
        Matrix(heads, hidden_size, precision.router, _ATTENTION, heads),
    ]
    entry = width + _INDEX_SCALE_BYTES
    return matrices, Vector(2 * width, _ATTENTION), Cache(entry, 2 * heads * width, is_index=True)


def lower(mixer: LatentAttention, spec: ModelSpec) -> tuple[Op, Op, Op]:
    """Return projection, core and output of one latent attention block."""
    hidden_size, precision = spec.hidden_size, spec.precision
    stored, heads, rank = precision.attention, mixer.num_heads, mixer.kv_lora_rank
    latent = rank + mixer.qk_rope_head_dim
    matrices = (
        *_query_matrices(mixer, hidden_size, precision),
        Matrix(latent, hidden_size, stored, _ATTENTION),
        Matrix(heads * mixer.qk_nope_head_dim, rank, stored, _ATTENTION, heads),
    )
    vectors = [norm(spec), Vector(rank + (mixer.q_lora_rank or 0), _ATTENTION)]
    caches = [
        Cache(
            latent * precision.kv.element_bytes,
            2 * heads * (latent + rank),
            most_read=mixer.indexer.top_k if mixer.indexer else None,
            prefill_flops_per_entry=2 * heads * (mixer.qk_nope_head_dim + mixer.qk_rope_head_dim + mixer.v_head_dim),
        )
    ]
    if mixer.indexer is not None:
        added, key_norm, index = indexer_ops(mixer.indexer, (mixer.q_lora_rank or hidden_size, hidden_size), precision)
        matrices += tuple(added)
        vectors.append(key_norm)
        caches.append(index)
    projection = Op(
        OpKind.ATTENTION_PROJECTION,
        matrices,
        tuple(vectors),
        flops_per_token=matrix_flops(matrices),
        kernels=2 if mixer.q_lora_rank is None else 3,
        intermediate_width=heads * latent,
    )
    core = Op(
        OpKind.ATTENTION_CORE,
        caches=tuple(caches),
        is_latent=True,
        kernels=1 if mixer.indexer is None else 2,
        intermediate_width=heads * rank,
        num_heads=heads,
        query_width=heads * latent,
        cache_format=precision.kv,
    )
    out = (
        Matrix(heads * mixer.v_head_dim, rank, stored, _ATTENTION, heads),
        Matrix(hidden_size, heads * mixer.v_head_dim, stored, _ATTENTION, heads, cuts_inputs=True),
    )
    output = Op(
        OpKind.ATTENTION_OUTPUT,
        out,
        flops_per_token=matrix_flops(out),
        kernels=2,
        intermediate_width=heads * mixer.v_head_dim,
    )
    return projection, core, output
