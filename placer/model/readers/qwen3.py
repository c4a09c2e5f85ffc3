"""Qwen3, dense and mixture of experts: grouped-query attention with norms of queries and keys per head."""

from __future__ import annotations

from placer.model.ffn import DenseFfn, Ffn, MoeFfn
from placer.model.mixer import QkNorm
from placer.model.readers.common import both_biases, build, layer_types, read_attention, sparse_steps
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("qwen3", "qwen3_moe")
#: What transformers assumes where ``head_dim`` is left out.
_HEAD_DIM = 128


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    fields.require("use_sliding_window", understood=False)
    num_layers = fields.num_layers()
    layer_types(fields, ["full_attention"], ["full_attention"] * num_layers)
    attention = read_attention(fields, bias=both_biases(fields), qk_norm=QkNorm.HEAD, head_dim=_HEAD_DIM)
    ffns: dict[str, Ffn] = {}
    is_dense = [True] * num_layers
    if fields.get("model_type") == "qwen3_moe":
        is_dense = sparse_steps(fields)
        ffns["moe"] = MoeFfn(
            num_experts=fields.count("num_experts"),
            top_k=fields.count("num_experts_per_tok"),
            intermediate_size=fields.count("moe_intermediate_size"),
        )
    if any(is_dense):
        ffns["dense"] = DenseFfn(intermediate_size=fields.count("intermediate_size"))
    kinds = [("attention", "dense" if dense else "moe") for dense in is_dense]
    return build(fields, name, {"attention": attention}, ffns, kinds)
