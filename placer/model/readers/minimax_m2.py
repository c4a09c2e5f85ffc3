"""MiniMax M2, M2.5 and M2.7: attention with norms over all heads, experts with a correction bias in every layer."""

from __future__ import annotations

from placer.model.ffn import MoeFfn
from placer.model.mixer import QkNorm
from placer.model.readers.common import build, mtp_note, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("minimax_m2",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    fields.require("qk_norm_type", understood="per_layer")
    fields.require("shared_intermediate_size", understood=0)
    fields.require_all("attn_type_list", understood=1)
    qk_norm = QkNorm.FULL if fields.flag("use_qk_norm", default=True) else None
    moe = MoeFfn(
        num_experts=fields.count("num_local_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=fields.count("intermediate_size"),
        correction_bias=fields.flag("use_routing_bias", default=True),
    )
    mtp = fields.number_of("num_mtp_modules") if fields.flag("use_mtp", default=False) else 0
    return build(
        fields,
        name,
        {"attention": read_attention(fields, qk_norm=qk_norm, head_dim=128)},
        {"moe": moe},
        [("attention", "moe")] * fields.num_layers(),
        notes=mtp_note(mtp),
    )
