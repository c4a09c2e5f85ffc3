"""Qwen3 mixture of experts: grouped-query attention with query and key norms."""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import DenseFfn, MoeFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.readers.fields import ConfigFields, read_precision
from placer.model.spec import LayerKind, ModelSpec, runs_of

MODEL_TYPES = ("qwen3_moe",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    fields.require("use_sliding_window", understood=False)
    heads, num_layers = fields.count("num_attention_heads"), fields.num_layers()
    bias = fields.flag("attention_bias", default=False)
    attention = GroupedQueryAttention(
        num_heads=heads,
        num_kv_heads=fields.count("num_key_value_heads"),
        head_dim=fields.count("head_dim"),
        qkv_bias=bias,
        output_bias=bias,
        qk_norm=True,
    )
    moe = MoeFfn(
        num_experts=fields.count("num_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=fields.count("moe_intermediate_size"),
    )
    dense_layers = fields.get("mlp_only_layers") or []
    if not isinstance(dense_layers, list) or not all(type(i) is int for i in dense_layers):
        raise fields.error("mlp_only_layers", f"expected a list of layer numbers, got {clipped(dense_layers)}")
    step = fields.count("decoder_sparse_step", 1)
    kinds = [
        LayerKind(mixer="attention", ffn="dense" if i in dense_layers or (i + 1) % step else "moe")
        for i in range(num_layers)
    ]
    return ModelSpec(
        name=name,
        source=fields.where,
        hidden_size=fields.count("hidden_size"),
        vocab_size=fields.count("vocab_size"),
        max_context=fields.optional_count("max_position_embeddings"),
        tie_word_embeddings=fields.flag("tie_word_embeddings", default=False),
        mixers={"attention": attention},
        ffns={"dense": DenseFfn(intermediate_size=fields.count("intermediate_size")), "moe": moe},
        layers=runs_of(kinds),
        precision=read_precision(fields),
    )
