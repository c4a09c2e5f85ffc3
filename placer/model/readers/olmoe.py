"""OLMoE: attention with norms over all query and key heads; experts in every layer."""

from __future__ import annotations

from placer.model.ffn import MoeFfn
from placer.model.mixer import QkNorm
from placer.model.readers.common import both_biases, build, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("olmoe",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    attention = read_attention(fields, has_kv_default=True, bias=both_biases(fields), qk_norm=QkNorm.FULL)
    moe = MoeFfn(
        num_experts=fields.count("num_experts", 64),
        top_k=fields.count("num_experts_per_tok", 8),
        intermediate_size=fields.count("intermediate_size"),
    )
    return build(fields, name, {"attention": attention}, {"moe": moe}, [("attention", "moe")] * fields.num_layers())
