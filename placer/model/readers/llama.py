"""Llama 3 and 3.1: grouped-query attention and one gated FFN per layer."""

from __future__ import annotations

from placer.model.ffn import DenseFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.readers.fields import ConfigFields, read_precision
from placer.model.spec import LayerKind, LayerRun, ModelSpec

MODEL_TYPES = ("llama",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    fields.require("pretraining_tp", understood=1)
    hidden, heads = fields.count("hidden_size"), fields.count("num_attention_heads")
    bias = fields.flag("attention_bias", default=False)
    attention = GroupedQueryAttention(
        num_heads=heads,
        num_kv_heads=fields.count("num_key_value_heads", heads),
        head_dim=fields.count("head_dim", max(1, hidden // heads)),
        qkv_bias=bias,
        output_bias=bias,
    )
    ffn = DenseFfn(intermediate_size=fields.count("intermediate_size"), bias=fields.flag("mlp_bias", default=False))
    return ModelSpec(
        name=name,
        source=fields.where,
        hidden_size=hidden,
        vocab_size=fields.count("vocab_size"),
        max_context=fields.optional_count("max_position_embeddings"),
        tie_word_embeddings=fields.flag("tie_word_embeddings", default=False),
        mixers={"attention": attention},
        ffns={"dense": ffn},
        layers=(LayerRun(repeat=fields.num_layers(), pattern=(LayerKind(mixer="attention", ffn="dense"),)),),
        precision=read_precision(fields),
    )
