"""GLM-4.5, 4.6 and 4.7: grouped-query attention with biased projections in; dense layers, then experts."""

from __future__ import annotations

from placer.model.ffn import DenseFfn, MoeFfn
from placer.model.mixer import QkNorm
from placer.model.readers.common import build, dense_first, mtp_note, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("glm4_moe",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    size = fields.count("moe_intermediate_size")
    moe = MoeFfn(
        num_experts=fields.count("n_routed_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=size,
        correction_bias=True,
        shared_intermediate_size=fields.stated_number("n_shared_experts") * size,
    )
    attention = read_attention(
        fields,
        bias=(fields.flag("attention_bias", default=False), False),
        qk_norm=QkNorm.HEAD if fields.flag("use_qk_norm", default=False) else None,
    )
    return build(
        fields,
        name,
        {"attention": attention},
        {"dense": DenseFfn(intermediate_size=fields.count("intermediate_size")), "moe": moe},
        [("attention", "dense" if dense else "moe") for dense in dense_first(fields)],
        notes=mtp_note(fields.number_of("num_nextn_predict_layers")),
    )
