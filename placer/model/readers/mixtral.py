"""Mixtral: Llama attention and a mixture of experts in every layer."""

from __future__ import annotations

from placer.model.ffn import MoeFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.readers.fields import ConfigFields, read_precision
from placer.model.spec import LayerKind, LayerRun, ModelSpec

MODEL_TYPES = ("mixtral",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    hidden, heads = fields.count("hidden_size"), fields.count("num_attention_heads")
    attention = GroupedQueryAttention(
        num_heads=heads,
        num_kv_heads=fields.count("num_key_value_heads", heads),
        head_dim=fields.count("head_dim", max(1, hidden // heads)),
        window=fields.optional_count("sliding_window"),
    )
    moe = MoeFfn(
        num_experts=fields.count("num_local_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=fields.count("intermediate_size"),
    )
    return ModelSpec(
        name=name,
        source=fields.where,
        hidden_size=hidden,
        vocab_size=fields.count("vocab_size"),
        max_context=fields.optional_count("max_position_embeddings"),
        tie_word_embeddings=fields.flag("tie_word_embeddings", default=False),
        mixers={"attention": attention},
        ffns={"moe": moe},
        layers=(LayerRun(repeat=fields.num_layers(), pattern=(LayerKind(mixer="attention", ffn="moe"),)),),
        precision=read_precision(fields),
    )
