"""Gemma 2, 3 and 4: windowed layers between full ones, norms before and after every block, tied embeddings.

Published configurations leave out what transformers assumes; its defaults (5.23) stand here.
"""

from __future__ import annotations

from typing import NamedTuple

from placer.model.ffn import DenseFfn, Ffn, MoeFfn
from placer.model.mixer import GroupedQueryAttention, QkNorm
from placer.model.readers.common import both_biases, build, layer_types, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec


class _Family(NamedTuple):
    vocab_size: int
    full_every: int
    window: int
    qk_norm: QkNorm | None
    max_context: int


_FAMILIES = {
    "gemma2": _Family(256_000, 2, 4096, None, 8_192),
    "gemma3_text": _Family(262_208, 6, 4096, QkNorm.HEAD, 131_072),
    "gemma4_text": _Family(262_144, 6, 512, QkNorm.HEAD, 131_072),
}
MODEL_TYPES = tuple(_FAMILIES)
_MIXERS = {"sliding_attention": "window", "full_attention": "full"}
_HEADS, _KV_HEADS, _HEAD_DIM, _HIDDEN, _INTERMEDIATE, _LAYERS = 8, 4, 256, 2304, 9216, 26


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    model_type = str(fields.get("model_type"))
    family = _FAMILIES[model_type]
    fields = fields.with_defaults(
        {
            "num_attention_heads": _HEADS,
            "num_key_value_heads": _KV_HEADS,
            "head_dim": _HEAD_DIM,
            "hidden_size": _HIDDEN,
            "intermediate_size": _INTERMEDIATE,
            "num_hidden_layers": 30 if model_type == "gemma4_text" else _LAYERS,
            "vocab_size": family.vocab_size,
            "tie_word_embeddings": True,
            "max_position_embeddings": family.max_context,
        }
    )
    for field in ("hidden_act", "hidden_activation"):
        fields.require(field, understood="gelu_pytorch_tanh")
    for field in ("num_kv_shared_layers", "hidden_size_per_layer_input"):
        fields.require(field, understood=0)
    fields.require("use_double_wide_mlp", understood=False)
    if model_type == "gemma4_text" and fields.get("hidden_size_per_layer_input") is None:
        raise fields.error("hidden_size_per_layer_input", "missing; per-layer embeddings are not understood")
    num_layers, every = fields.num_layers(), fields.count("sliding_window_pattern", family.full_every)
    default = ["full_attention" if (layer + 1) % every == 0 else "sliding_attention" for layer in range(num_layers)]
    sliding = read_attention(
        fields,
        bias=both_biases(fields),
        qk_norm=family.qk_norm,
        window=fields.count("sliding_window", family.window),
    ).model_copy(update={"post_norm": True})
    kinds = [_MIXERS[kind] for kind in layer_types(fields, tuple(_MIXERS), default)]
    ffn = _ffn(fields)
    return build(
        fields,
        name,
        {"window": sliding, "full": _full(fields, sliding)},
        {"ffn": ffn},
        [(kind, "ffn") for kind in kinds],
    )


def _full(fields: ConfigFields, sliding: GroupedQueryAttention) -> GroupedQueryAttention:
    """Return the attention of full layers, which Gemma 4 gives fewer and wider heads, values being keys."""
    update: dict[str, object] = {"window": None}
    if fields.get("model_type") == "gemma4_text":
        update["head_dim"] = fields.count("global_head_dim", 512)
        if fields.flag("attention_k_eq_v", default=False):
            update["value_is_key"] = True
            update["num_kv_heads"] = fields.count("num_global_key_value_heads", sliding.num_kv_heads)
    return GroupedQueryAttention.model_validate(sliding.model_dump() | update)


def _ffn(fields: ConfigFields) -> Ffn:
    size = fields.count("intermediate_size")
    if not fields.flag("enable_moe_block", default=False):
        return DenseFfn(intermediate_size=size, post_norm=True)
    return MoeFfn(
        num_experts=fields.count("num_experts"),
        top_k=fields.count("top_k_experts"),
        intermediate_size=fields.count("moe_intermediate_size"),
        dense_intermediate_size=size,
        router_scales=True,
        post_norm=True,
    )
