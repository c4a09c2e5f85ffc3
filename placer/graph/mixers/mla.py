"""Lowering of multi-head latent attention in its absorbed decode form.

DeepSeek-V2, arXiv 2405.04434, section 2.1. Per token one latent of ``kv_lora_rank`` plus the rotary key is
cached, shared by all heads: it cannot be cut by tensor parallelism, every rank keeps a copy (physics A2). The
key half of the up-projection is folded into the query, the value half into the output.
"""

from __future__ import annotations

from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.model.mixer import LatentAttention
from placer.model.precision import Precision

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


def lower(mixer: LatentAttention, hidden_size: int, precision: Precision) -> tuple[Op, Op, Op]:
    """Return projection, core and output of one latent attention block."""
    stored, heads, rank = precision.attention, mixer.num_heads, mixer.kv_lora_rank
    latent = rank + mixer.qk_rope_head_dim
    matrices = (
        *_query_matrices(mixer, hidden_size, precision),
        Matrix(latent, hidden_size, stored, _ATTENTION),
        Matrix(heads * mixer.qk_nope_head_dim, rank, stored, _ATTENTION, heads),
    )
    norms = rank + (mixer.q_lora_rank or 0)
    projection = Op(
        OpKind.ATTENTION_PROJECTION,
        matrices,
        (Vector(hidden_size, ParameterKind.NORM), Vector(norms, _ATTENTION)),
        flops_per_token=matrix_flops(matrices),
        kernels=2 if mixer.q_lora_rank is None else 3,
        intermediate_width=heads * latent,
    )
    core = Op(
        OpKind.ATTENTION_CORE,
        flops_per_context_token=2 * heads * (latent + rank),
        kv_bytes_per_token=latent * precision.kv.element_bytes,
        kv_max_shards=1,
        intermediate_width=heads * rank,
    )
    out = (
        Matrix(heads * mixer.v_head_dim, rank, stored, _ATTENTION, heads),
        Matrix(hidden_size, heads * mixer.v_head_dim, stored, _ATTENTION, heads),
    )
    output = Op(
        OpKind.ATTENTION_OUTPUT,
        out,
        flops_per_token=matrix_flops(out),
        kernels=2,
        intermediate_width=heads * mixer.v_head_dim,
    )
    return projection, core, output
