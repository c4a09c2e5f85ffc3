"""Llama 2 and 3: grouped-query attention and one gated FFN per layer."""

from __future__ import annotations

from placer.model.ffn import DenseFfn
from placer.model.readers.common import both_biases, build, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("llama",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    fields.require("pretraining_tp", understood=1)
    attention = read_attention(fields, has_kv_default=True, bias=both_biases(fields))
    ffn = DenseFfn(intermediate_size=fields.count("intermediate_size"), bias=fields.flag("mlp_bias", default=False))
    return build(fields, name, {"attention": attention}, {"dense": ffn}, [("attention", "dense")] * fields.num_layers())
