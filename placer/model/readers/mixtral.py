"""Mixtral: Llama attention and a mixture of experts in every layer."""

from __future__ import annotations

from placer.model.ffn import MoeFfn
from placer.model.readers.common import build, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("mixtral",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    moe = MoeFfn(
        num_experts=fields.count("num_local_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=fields.count("intermediate_size"),
    )
    attention = read_attention(fields, window=fields.optional_count("sliding_window"))
    return build(fields, name, {"attention": attention}, {"moe": moe}, [("attention", "moe")] * fields.num_layers())
