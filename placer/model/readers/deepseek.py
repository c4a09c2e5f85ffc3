"""DeepSeek-V3, R1, V3.2, Kimi K2, GLM-4.7-Flash, GLM-5: latent attention, some with an indexer; dense, then experts."""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import DenseFfn, Ffn, MoeFfn
from placer.model.mixer import Indexer, LatentAttention
from placer.model.readers.common import build, dense_first, mtp_note
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("deepseek_v3", "kimi_k2", "deepseek_v32", "glm_moe_dsa", "glm4_moe_lite")
#: Families with an indexer: its heads, their width and what it picks, where left out (transformers 5.23).
_SPARSE = {"deepseek_v32": (64, 128, 2048), "glm_moe_dsa": (32, 128, 2048)}
_FFN_BY_TYPE = {"dense": True, "sparse": False}


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes.

    The multi-token-prediction modules are not part of a plain decode step; they are noted, not counted.
    """
    fields.require("hidden_act", understood="silu")
    fields.require("attention_bias", understood=False)
    fields.require("mlp_bias", understood=False)
    fields.require("moe_layer_freq", understood=1)
    fields.require_all("layer_types", understood="full_attention")
    fields.require_all("indexer_types", understood="full")
    expert_size = fields.count("moe_intermediate_size")
    ffns: dict[str, Ffn] = {
        "moe": MoeFfn(
            num_experts=fields.count("n_routed_experts"),
            top_k=fields.count("num_experts_per_tok"),
            intermediate_size=expert_size,
            correction_bias=fields.get("topk_method", "noaux_tc") == "noaux_tc",
            shared_intermediate_size=fields.stated_number("n_shared_experts") * expert_size,
        )
    }
    is_dense = _dense_layers(fields)
    if any(is_dense):
        ffns["dense"] = DenseFfn(intermediate_size=fields.count("intermediate_size"))
    kinds = [("mla", "dense" if dense else "moe") for dense in is_dense]
    notes = mtp_note(fields.number_of("num_nextn_predict_layers"))
    return build(fields, name, {"mla": read_latent_attention(fields)}, ffns, kinds, notes=notes)


def read_latent_attention(fields: ConfigFields) -> LatentAttention:
    """Return latent attention, with its indexer in the families that have one."""
    indexer = None
    defaults = _SPARSE.get(str(fields.get("model_type")))
    if defaults is not None:
        indexer = Indexer(
            num_heads=fields.count("index_n_heads", defaults[0]),
            head_dim=fields.count("index_head_dim", defaults[1]),
            top_k=fields.count("index_topk", defaults[2]),
        )
    return LatentAttention(
        num_heads=fields.count("num_attention_heads"),
        q_lora_rank=fields.stated_count("q_lora_rank"),
        kv_lora_rank=fields.count("kv_lora_rank"),
        qk_nope_head_dim=fields.count("qk_nope_head_dim"),
        qk_rope_head_dim=fields.count("qk_rope_head_dim"),
        v_head_dim=fields.count("v_head_dim"),
        indexer=indexer,
    )


def _dense_layers(fields: ConfigFields) -> list[bool]:
    if fields.get("mlp_layer_types") is None:
        if fields.get("first_k_dense_replace") is None:
            raise fields.error("first_k_dense_replace", "missing")
        return dense_first(fields)
    types = fields.names("mlp_layer_types")
    if len(types) != fields.num_layers() or set(types) - set(_FFN_BY_TYPE):
        raise fields.error("mlp_layer_types", f"expected dense or sparse for every layer, got {clipped(types)}")
    return [_FFN_BY_TYPE[kind] for kind in types]
