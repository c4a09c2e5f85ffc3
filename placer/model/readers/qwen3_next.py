"""Qwen3-Next and Qwen3.5: gated delta nets, every n-th layer gated attention; experts with a gated shared one."""

from __future__ import annotations

from placer.model.ffn import DenseFfn, Ffn, MoeFfn
from placer.model.mixer import GatedDeltaNet, QkNorm
from placer.model.readers.common import both_biases, build, layer_types, mtp_note, read_attention, sparse_steps
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("qwen3_next", "qwen3_5_moe_text", "qwen3_5_text")
_LAYER_TYPES = ("linear_attention", "full_attention")


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    fields.require("use_sliding_window", understood=False)
    fields.require("attn_output_gate", understood=True)
    fields.require("mtp_use_dedicated_embeddings", understood=False)
    num_layers, interval = fields.num_layers(), fields.count("full_attention_interval", 4)
    default = [_LAYER_TYPES[(layer + 1) % interval == 0] for layer in range(num_layers)]
    attention = read_attention(fields, bias=both_biases(fields), qk_norm=QkNorm.HEAD, head_dim=256)
    delta = GatedDeltaNet(
        num_key_heads=fields.count("linear_num_key_heads"),
        num_value_heads=fields.count("linear_num_value_heads"),
        key_head_dim=fields.count("linear_key_head_dim"),
        value_head_dim=fields.count("linear_value_head_dim"),
        conv_kernel=fields.count("linear_conv_kernel_dim"),
    )
    mixer_of = {"linear_attention": "delta", "full_attention": "attention"}
    ffns, is_dense = _ffns(fields)
    kinds = [
        (mixer_of[kind], "dense" if dense else "moe")
        for kind, dense in zip(layer_types(fields, _LAYER_TYPES, default), is_dense, strict=True)
    ]
    return build(
        fields,
        name,
        {"attention": attention.model_copy(update={"output_gate": True}), "delta": delta},
        ffns,
        kinds,
        notes=mtp_note(fields.number_of("mtp_num_hidden_layers")),
    )


def _ffns(fields: ConfigFields) -> tuple[dict[str, Ffn], list[bool]]:
    if fields.get("model_type") == "qwen3_5_text":
        return {"dense": DenseFfn(intermediate_size=fields.count("intermediate_size"))}, [True] * fields.num_layers()
    is_dense = sparse_steps(fields)
    ffns: dict[str, Ffn] = {
        "moe": MoeFfn(
            num_experts=fields.count("num_experts"),
            top_k=fields.count("num_experts_per_tok"),
            intermediate_size=fields.count("moe_intermediate_size"),
            shared_intermediate_size=fields.stated_number("shared_expert_intermediate_size"),
            shared_gate=True,
        )
    }
    if any(is_dense):
        ffns["dense"] = DenseFfn(intermediate_size=fields.count("intermediate_size"))
    return ffns, is_dense
