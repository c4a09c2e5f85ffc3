"""Nemotron-H and Nemotron 3: Mamba-2, attention, FFN (squared ReLU) and experts in an order of their own.

A layer of the configuration is one block with one norm; a mixer and the FFN after it make one layer here.
"""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import DenseFfn, Ffn, MoeFfn, NoFfn
from placer.model.mixer import Mamba2, Mixer, NoMixer
from placer.model.readers.common import build, layers_by_class, mtp_note, read_attention
from placer.model.readers.fields import ConfigFields
from placer.model.spec import MAX_LAYERS, ModelSpec

MODEL_TYPES = ("nemotron_h",)
_BLOCKS = {"M": "mamba", "*": "attention", "-": "dense", "E": "moe"}
_BLOCK_TYPES = {"mamba": "M", "attention": "*", "full_attention": "*", "mlp": "-", "moe": "E"}
_MIXERS = ("mamba", "attention")


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("mlp_hidden_act", understood="relu2")
    for field in ("attention_bias", "mlp_bias"):
        fields.require(field, understood=False)
    pattern = _pattern(fields)
    bias = fields.flag("use_bias", default=False) or fields.flag("mamba_proj_bias", default=False)
    mamba = Mamba2(
        num_heads=fields.count("mamba_num_heads"),
        head_dim=fields.count("mamba_head_dim"),
        num_groups=fields.count("n_groups"),
        state_size=fields.count("ssm_state_size"),
        conv_kernel=fields.count("conv_kernel", 4),
        conv_bias=fields.flag("use_conv_bias", default=True),
        projection_bias=bias,
    )
    old_head_dim = fields.count("attention_head_dim", 128)
    attention = read_attention(fields, window=fields.optional_count("sliding_window"), head_dim=old_head_dim)
    ffns: dict[str, Ffn] = {"none": NoFfn()}
    if "-" in pattern:
        ffns["dense"] = DenseFfn(intermediate_size=fields.count("intermediate_size"), gated=False)
    if "E" in pattern:
        ffns["moe"] = _experts(fields)
    mixers: dict[str, Mixer] = {"mamba": mamba, "attention": attention, "none": NoMixer()}
    notes = mtp_note(fields.number_of("num_nextn_predict_layers"))
    blocks = [
        (mixers.get(block, NoMixer()), ffns.get(block, NoFfn())) for block in (_BLOCKS[letter] for letter in pattern)
    ]
    return build(fields, name, mixers, ffns, _layers(pattern), layers_by_class(blocks), notes=notes)


def _pattern(fields: ConfigFields) -> str:
    if fields.get("hybrid_override_pattern") is None and fields.get("layers_block_type") is not None:
        types = fields.names("layers_block_type")
        unknown = sorted(set(types) - set(_BLOCK_TYPES))
        if unknown:
            raise fields.error("layers_block_type", f"{clipped(unknown)} not understood, expected {list(_BLOCK_TYPES)}")
        return "".join(_BLOCK_TYPES[kind] for kind in types)
    pattern = fields.get("hybrid_override_pattern")
    if not isinstance(pattern, str) or not pattern or set(pattern) - set(_BLOCKS):
        raise fields.error("hybrid_override_pattern", f"expected letters of {''.join(_BLOCKS)}, got {clipped(pattern)}")
    stated = fields.optional_count("num_hidden_layers")
    if len(pattern) > MAX_LAYERS or (stated is not None and stated != len(pattern)):
        raise fields.error("hybrid_override_pattern", f"{len(pattern)} letters for {stated} layers")
    return pattern


def _layers(pattern: str) -> list[tuple[str, str]]:
    """Return layers as mixer and FFN: an FFN joins the mixer before it.

    >>> _layers("M-M*E")
    [('mamba', 'dense'), ('mamba', 'none'), ('attention', 'moe')]
    """
    layers: list[tuple[str, str]] = []
    for block in (_BLOCKS[letter] for letter in pattern):
        if block in _MIXERS:
            layers.append((block, "none"))
        elif layers and layers[-1][1] == "none":
            layers[-1] = (layers[-1][0], block)
        else:
            layers.append(("none", block))
    return layers


def _experts(fields: ConfigFields) -> MoeFfn:
    shared = fields.stated_number("n_shared_experts")
    return MoeFfn(
        num_experts=fields.count("n_routed_experts"),
        top_k=fields.count("num_experts_per_tok"),
        intermediate_size=fields.count("moe_intermediate_size"),
        gated=False,
        correction_bias=True,
        shared_intermediate_size=fields.count("moe_shared_expert_intermediate_size") if shared else 0,
        latent_size=fields.optional_count("moe_latent_size"),
    )
