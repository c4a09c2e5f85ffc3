"""gpt-oss: alternating full and windowed attention with sinks; MXFP4 experts with biases."""

from __future__ import annotations

from placer.model.ffn import MoeFfn
from placer.model.readers.common import build, layer_types, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("gpt_oss",)
_MIXERS = {"sliding_attention": "window", "full_attention": "full"}


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    bias, num_layers = fields.flag("attention_bias", default=True), fields.num_layers()
    full = read_attention(fields, bias=(bias, bias), head_dim=64).model_copy(update={"sinks": True})
    moe = MoeFfn(
        num_experts=fields.count("num_local_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=fields.count("intermediate_size"),
        expert_bias=True,
        router_bias=True,
    )
    default = ["full_attention" if layer % 2 else "sliding_attention" for layer in range(num_layers)]
    types = layer_types(fields, tuple(_MIXERS), default)
    window = full.model_copy(update={"window": fields.count("sliding_window")})
    kinds = [(_MIXERS[kind], "moe") for kind in types]
    return build(fields, name, {"full": full, "window": window}, {"moe": moe}, kinds)
