"""Llama 4: attention in chunks but for every fourth layer; experts, one shared, in every n-th layer."""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import DenseFfn, MoeFfn
from placer.model.readers.common import both_biases, build, layer_types, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("llama4_text",)
_MIXERS = {"chunked_attention": "chunked", "full_attention": "full"}


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes.

    Norms of queries and keys have no parameters here.
    """
    fields.require("hidden_act", understood="silu")
    num_layers, chunk = (
        fields.num_layers(),
        fields.stated_count("attention_chunk_size"),
    )
    full = read_attention(fields, bias=both_biases(fields), head_dim=128)
    chunked = full.model_copy(update={"window": chunk, "chunked": chunk is not None})
    size = fields.count("intermediate_size")
    moe = MoeFfn(
        num_experts=fields.count("num_local_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=size,
        shared_intermediate_size=size,
    )
    dense = DenseFfn(intermediate_size=fields.count("intermediate_size_mlp"))
    types = layer_types(fields, tuple(_MIXERS), _layer_types(fields, num_layers))
    experts = _moe_layers(fields, num_layers)
    return build(
        fields,
        name,
        {"full": full, "chunked": chunked},
        {"dense": dense, "moe": moe},
        [(_MIXERS[kind], "moe" if layer in experts else "dense") for layer, kind in enumerate(types)],
    )


def _layer_types(fields: ConfigFields, num_layers: int) -> list[str]:
    """Return the default: layers with rotary embeddings attend in chunks, those without to everything."""
    rotary = fields.get("no_rope_layers") or []
    if not isinstance(rotary, list) or (rotary and (len(rotary) != num_layers or set(rotary) - {0, 1})):
        raise fields.error("no_rope_layers", f"expected 0 or 1 for each of {num_layers} layers, got {clipped(rotary)}")
    interval = fields.count("no_rope_layer_interval", 4)
    flags = rotary or [int((layer + 1) % interval != 0) for layer in range(num_layers)]
    return ["chunked_attention" if flag else "full_attention" for flag in flags]


def _moe_layers(fields: ConfigFields, num_layers: int) -> set[int]:
    layers, step = fields.get("moe_layers"), fields.count("interleave_moe_layer_step", 1)
    if layers is None:
        return set(range(step - 1, num_layers, step))
    if not isinstance(layers, list) or not all(type(layer) is int and 0 <= layer < num_layers for layer in layers):
        raise fields.error("moe_layers", f"expected numbers of layers, got {clipped(layers)}")
    return set(layers)
