"""MiniMax M3: grouped-query attention, most of it over blocks of tokens an indexer picks; dense layers, then experts.

Shapes of the indexer: transformers 5.23, ``minimax_m3_vl``. One of the picked blocks is always the query's own.
"""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import DenseFfn, MoeFfn
from placer.model.mixer import Indexer, QkNorm
from placer.model.readers.common import build, mtp_note, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("minimax_m3",)
_SPARSE = "sparse_attention_config"


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="swigluoai")
    fields.require("qk_norm_type", understood="per_head")
    fields.require("attention_output_gate", understood=False)
    sparse = fields.section(_SPARSE)
    for field, understood in (("use_sparse_attention", True), ("sparse_init_block", 0), ("sparse_score_type", "max")):
        sparse.require(field, understood=understood)
    is_sparse, is_moe = _layers(sparse, "sparse_attention_freq", fields), _layers(fields, "moe_layer_freq", fields)
    if _layers(sparse, "sparse_disable_index_value", fields) != is_sparse:
        raise sparse.error("sparse_disable_index_value", "index values are not understood")
    indexer = Indexer(
        num_heads=sparse.count("sparse_num_index_heads"),
        head_dim=sparse.count("sparse_index_dim"),
        top_k=sparse.count("sparse_topk_blocks") * sparse.count("sparse_block_size"),
    )
    sparse.count("sparse_local_block")
    full = read_attention(
        fields, qk_norm=QkNorm.HEAD if fields.flag("use_qk_norm", default=True) else None, head_dim=128
    )
    shared = fields.stated_number("n_shared_experts")
    moe = MoeFfn(
        num_experts=fields.count("num_local_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=fields.count("moe_intermediate_size", fields.count("intermediate_size")),
        correction_bias=fields.flag("use_routing_bias", default=True),
        shared_intermediate_size=shared * fields.count("shared_intermediate_size") if shared else 0,
    )
    kinds = [
        ("sparse" if sparse_ else "full", "moe" if routed else "dense")
        for sparse_, routed in zip(is_sparse, is_moe, strict=True)
    ]
    return build(
        fields,
        name,
        {"full": full, "sparse": full.model_copy(update={"indexer": indexer})},
        {"dense": DenseFfn(intermediate_size=fields.count("dense_intermediate_size")), "moe": moe},
        kinds,
        notes=(*mtp_note(fields.number_of("num_mtp_modules")), "indexer shapes are those of transformers, not stated"),
    )


def _layers(fields: ConfigFields, field: str, frame: ConfigFields) -> list[bool]:
    flags, num_layers = fields.get(field), frame.num_layers()
    if not isinstance(flags, list) or len(flags) != num_layers or not all(type(flag) is int for flag in flags):
        raise fields.error(field, f"expected 0 or 1 for each of {num_layers} layers, got {clipped(flags)}")
    if set(flags) - {0, 1}:
        raise fields.error(field, f"expected 0 or 1 for each of {num_layers} layers, got {clipped(flags)}")
    return [flag == 1 for flag in flags]
