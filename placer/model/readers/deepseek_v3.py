"""DeepSeek-V3 and R1: latent attention; dense layers first, then experts with a shared one."""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import DenseFfn, MoeFfn
from placer.model.mixer import LatentAttention
from placer.model.readers.fields import ConfigFields, read_precision
from placer.model.spec import LayerKind, ModelSpec, runs_of

MODEL_TYPES = ("deepseek_v3",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes.

    The multi-token-prediction modules are not part of a plain decode step; they are noted, not counted.
    """
    fields.require("hidden_act", understood="silu")
    fields.require("attention_bias", understood=False)
    fields.require("moe_layer_freq", understood=1)
    attention = LatentAttention(
        num_heads=fields.count("num_attention_heads"),
        q_lora_rank=fields.optional_count("q_lora_rank"),
        kv_lora_rank=fields.count("kv_lora_rank"),
        qk_nope_head_dim=fields.count("qk_nope_head_dim"),
        qk_rope_head_dim=fields.count("qk_rope_head_dim"),
        v_head_dim=fields.count("v_head_dim"),
    )
    expert_size = fields.count("moe_intermediate_size")
    shared = fields.number_of("n_shared_experts")
    moe = MoeFfn(
        num_experts=fields.count("n_routed_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=expert_size,
        correction_bias=fields.get("topk_method") == "noaux_tc",
        shared_intermediate_size=shared * expert_size,
    )
    num_layers = fields.num_layers()
    num_dense = fields.get("first_k_dense_replace")
    if isinstance(num_dense, bool) or not isinstance(num_dense, int) or not 0 <= num_dense <= num_layers:
        raise fields.error("first_k_dense_replace", f"expected 0 to {num_layers}, got {clipped(num_dense)}")
    kinds = [LayerKind(mixer="mla", ffn="dense" if i < num_dense else "moe") for i in range(num_layers)]
    mtp = fields.number_of("num_nextn_predict_layers")
    return ModelSpec(
        name=name,
        source=fields.where,
        hidden_size=fields.count("hidden_size"),
        vocab_size=fields.count("vocab_size"),
        max_context=fields.optional_count("max_position_embeddings"),
        tie_word_embeddings=fields.flag("tie_word_embeddings", default=False),
        mixers={"mla": attention},
        ffns={"dense": DenseFfn(intermediate_size=fields.count("intermediate_size")), "moe": moe},
        layers=runs_of(kinds),
        precision=read_precision(fields),
        notes=(f"{mtp} multi-token-prediction module(s) not lowered: unused in plain decode",) if mtp else (),
    )
