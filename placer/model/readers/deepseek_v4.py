"""DeepSeek-V4: compressed attention, several residual streams, experts in every layer, the first routed by hash."""

from __future__ import annotations

from placer.errors import clipped
from placer.model.ffn import MoeFfn
from placer.model.mixer import CompressedAttention, Indexer, Mixer
from placer.model.precision import WeightFormat
from placer.model.readers.common import build, mtp_note
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

MODEL_TYPES = ("deepseek_v4",)
#: Tokens per compressed entry, and whether an indexer picks entries (transformers 5.23, configuration of deepseek_v4).
_MIXERS = {0: "window", 4: "picked", 128: "dense_blocks"}


def read(fields: ConfigFields, name: str) -> ModelSpec:
    """Return the decoder that a ``config.json`` of this family describes."""
    fields.require("hidden_act", understood="silu")
    fields.require("attention_bias", understood=False)
    fields.require("num_key_value_heads", understood=1)
    fields.require("topk_method", understood="noaux_tc")
    if fields.count("qk_rope_head_dim") > fields.count("head_dim"):
        raise fields.error("qk_rope_head_dim", "exceeds head_dim, of which it is a part")
    num_layers = fields.num_layers()
    kinds = [_MIXERS[ratio] for ratio in _ratios(fields)]
    num_hash = fields.number_of("num_hash_layers")
    if num_hash > num_layers:
        raise fields.error("num_hash_layers", f"expected at most {num_layers}, got {num_hash}")
    learned, hashed = _experts(fields)
    notes = mtp_note(fields.number_of("num_nextn_predict_layers"))
    streams = fields.count("hc_mult")
    if streams > 1:
        notes += (f"hops between stages carry one of {streams} residual streams here",)
    fields.require("expert_dtype", understood="fp4")
    spec = build(
        fields,
        name,
        _mixers(fields),
        {"moe": learned, "hash_moe": hashed},
        [(kind, "hash_moe" if layer < num_hash else "moe") for layer, kind in enumerate(kinds)],
        residual_streams=streams,
        notes=notes,
    )
    if fields.get("expert_dtype") is None:
        return spec
    # FP4 with a scale per 32 elements, whatever the rest is stored in.
    return spec.model_copy(update={"precision": spec.precision.with_experts(WeightFormat.MXFP4)})


def _ratios(fields: ConfigFields) -> list[int]:
    ratios, num_layers = fields.get("compress_ratios"), fields.num_layers()
    if not isinstance(ratios, list) or len(ratios) < num_layers:
        raise fields.error("compress_ratios", f"expected a number for each of {num_layers} layers")
    unknown = [ratio for ratio in ratios if type(ratio) is not int or ratio not in _MIXERS]
    if unknown:
        raise fields.error("compress_ratios", f"{clipped(unknown[0])} is not understood, expected {sorted(_MIXERS)}")
    return ratios[:num_layers]


def _mixers(fields: ConfigFields) -> dict[str, Mixer]:
    window = CompressedAttention(
        num_heads=fields.count("num_attention_heads"),
        head_dim=fields.count("head_dim"),
        q_lora_rank=fields.count("q_lora_rank"),
        output_groups=fields.count("o_groups"),
        output_lora_rank=fields.count("o_lora_rank"),
        window=fields.count("sliding_window"),
    )
    indexer = Indexer(
        num_heads=fields.count("index_n_heads"),
        head_dim=fields.count("index_head_dim"),
        top_k=fields.count("index_topk"),
    )
    return {
        "window": window,
        "picked": window.model_copy(update={"stride": 4, "indexer": indexer}),
        "dense_blocks": window.model_copy(update={"stride": 128}),
    }


def _experts(fields: ConfigFields) -> tuple[MoeFfn, MoeFfn]:
    """Return the experts of layers with a learned router, and of those that look them up by token id."""
    size, top_k = fields.count("moe_intermediate_size"), fields.count("num_experts_per_tok")
    learned = MoeFfn(
        num_experts=fields.count("n_routed_experts"),
        top_k=top_k,
        intermediate_size=size,
        correction_bias=True,
        shared_intermediate_size=fields.stated_number("n_shared_experts") * size,
    )
    table = {"correction_bias": False, "hash_entries": fields.count("vocab_size") * top_k}
    return learned, learned.model_copy(update=table)
