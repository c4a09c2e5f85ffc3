"""Jamba: Mamba, every n-th layer attention; dense FFN, every n-th layer experts."""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import DenseFfn, Ffn, MoeFfn
from placer.model.mixer import Mamba
from placer.model.readers.common import build, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("jamba",)


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    hidden, num_experts = fields.count("hidden_size"), fields.count("num_experts", 16)
    rank = fields.get("mamba_dt_rank")
    mamba = Mamba(
        inner_size=fields.count("mamba_expand", 2) * hidden,
        state_size=fields.count("mamba_d_state", 16),
        conv_kernel=fields.count("mamba_d_conv", 4),
        dt_rank=-(-hidden // 16) if rank in (None, "auto") else fields.count("mamba_dt_rank"),
        conv_bias=fields.flag("mamba_conv_bias", default=True),
        projection_bias=fields.flag("mamba_proj_bias", default=False),
        inner_norms=True,
    )
    size = fields.count("intermediate_size")
    ffns: dict[str, Ffn] = {"dense": DenseFfn(intermediate_size=size)}
    if num_experts > 1:
        ffns["moe"] = MoeFfn(
            num_experts=num_experts, top_k=fields.count("num_experts_per_tok", 2), intermediate_size=size
        )
    attention = read_attention(fields, window=fields.optional_count("sliding_window"))
    is_attention, is_moe = _every(fields, "attn_layer", (8, 4)), _every(fields, "expert_layer", (2, 1))
    kinds = [
        ("attention" if attends else "mamba", "moe" if routes and num_experts > 1 else "dense")
        for attends, routes in zip(is_attention, is_moe, strict=True)
    ]
    return build(fields, name, {"attention": attention, "mamba": mamba}, ffns, kinds)


def _every(fields: ConfigFields, which: str, default: tuple[int, int]) -> list[bool]:
    period, offset = fields.count(f"{which}_period", default[0]), fields.get(f"{which}_offset")
    offset = default[1] if offset is None else offset
    if isinstance(offset, bool) or not isinstance(offset, int) or not 0 <= offset < period:
        raise fields.error(f"{which}_offset", f"expected 0 to {period - 1}, got {clipped(offset)}")
    return [layer % period == offset for layer in range(fields.num_layers())]
