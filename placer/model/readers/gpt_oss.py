"""gpt-oss: alternating full and windowed attention with sinks; MXFP4 experts with biases."""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import MoeFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.readers.fields import ConfigFields, read_precision
from placer.model.spec import LayerKind, ModelSpec, runs_of

MODEL_TYPES = ("gpt_oss",)
_MIXER_BY_LAYER_TYPE = {"sliding_attention": "window", "full_attention": "full"}


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    bias = fields.flag("attention_bias", default=True)
    full = GroupedQueryAttention(
        num_heads=fields.count("num_attention_heads"),
        num_kv_heads=fields.count("num_key_value_heads"),
        head_dim=fields.count("head_dim"),
        qkv_bias=bias,
        output_bias=bias,
        sinks=True,
    )
    moe = MoeFfn(
        num_experts=fields.count("num_local_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=fields.count("intermediate_size"),
        expert_bias=True,
        router_bias=True,
    )
    types = fields.names("layer_types")
    if len(types) != fields.num_layers():
        raise fields.error("layer_types", f"{len(types)} entries for {fields.get('num_hidden_layers')} layers")
    unknown = sorted(set(types) - set(_MIXER_BY_LAYER_TYPE))
    if unknown:
        raise fields.error("layer_types", f"{clipped(unknown)} not understood, expected {sorted(_MIXER_BY_LAYER_TYPE)}")
    return ModelSpec(
        name=name,
        source=fields.where,
        hidden_size=fields.count("hidden_size"),
        vocab_size=fields.count("vocab_size"),
        max_context=fields.optional_count("max_position_embeddings"),
        tie_word_embeddings=fields.flag("tie_word_embeddings", default=False),
        mixers={"full": full, "window": full.model_copy(update={"window": fields.count("sliding_window")})},
        ffns={"moe": moe},
        layers=runs_of([LayerKind(mixer=_MIXER_BY_LAYER_TYPE[kind], ffn="moe") for kind in types]),
        precision=read_precision(fields),
    )
