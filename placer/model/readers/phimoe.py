"""Phi-3.5-MoE: Mixtral's blocks with LayerNorms, and biases on attention and LM head."""

from __future__ import annotations

from placer.model.ffn import MoeFfn
from placer.model.readers.common import both_biases, build, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("phimoe",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    window, longest = fields.optional_count("sliding_window"), fields.longest_context()
    moe = MoeFfn(
        num_experts=fields.count("num_local_experts", 16),
        top_k=fields.count("num_experts_per_tok", 2),
        intermediate_size=fields.count("intermediate_size"),
    )
    is_full = window is None or (longest is not None and window >= longest)
    attention = read_attention(fields, bias=both_biases(fields), window=None if is_full else window)
    return build(
        fields,
        name,
        {"attention": attention},
        {"moe": moe},
        [("attention", "moe")] * fields.num_layers(),
        norm_bias=True,
        lm_head_bias=fields.flag("lm_head_bias", default=False),
    )
