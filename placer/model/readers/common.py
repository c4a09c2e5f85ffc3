"""What the families share: the frame of a decoder, grouped-query attention, layer patterns, mixtures of experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from placer.errors import clipped
from placer.model.ffn import DenseFfn, Ffn, MoeFfn
from placer.model.mixer import GroupedQueryAttention, Mixer, QkNorm
from placer.model.readers.fields import ConfigFields, read_precision
from placer.model.spec import LayerKind, ModelSpec, runs_of


def read_attention(
    fields: ConfigFields,
    *,
    bias: tuple[bool, bool] = (False, False),
    qk_norm: QkNorm | None = None,
    window: int | None = None,
    head_dim: int | None = None,
    has_kv_default: bool = False,
) -> GroupedQueryAttention:
    """Return grouped-query attention as most families write it.

    Parameters
    ----------
    fields
        The configuration.
    bias
        Whether the projections in, and the projection out, have a bias.
    qk_norm, window
        As in `GroupedQueryAttention`.
    head_dim
        Where the configuration leaves it out; the hidden size over the heads by default.
    has_kv_default
        Whether there are as many KV heads as heads where the configuration leaves them out.
    """
    hidden_size, heads = fields.count("hidden_size"), fields.count("num_attention_heads")
    return GroupedQueryAttention(
        num_heads=heads,
        num_kv_heads=fields.count("num_key_value_heads", heads if has_kv_default else None),
        head_dim=fields.count("head_dim", head_dim or max(1, hidden_size // heads)),
        qkv_bias=bias[0],
        output_bias=bias[1],
        qk_norm=qk_norm,
        window=window,
    )


def both_biases(fields: ConfigFields) -> tuple[bool, bool]:
    """Return the biases of families where ``attention_bias`` means all four projections."""
    bias = fields.flag("attention_bias", default=False)
    return bias, bias


def layer_types(fields: ConfigFields, known: Sequence[str], default: Sequence[str]) -> list[str]:
    """Return the type of every layer from ``layer_types``, or the default where it is left out.

    Raises
    ------
    ModelConfigError
        If there are not as many as layers, or one is not in ``known``.
    """
    if fields.get("layer_types") is None:
        return list(default)
    types, num_layers = fields.names("layer_types"), fields.num_layers()
    if len(types) != num_layers:
        raise fields.error("layer_types", f"{len(types)} entries for {num_layers} layers")
    unknown = sorted(set(types) - set(known))
    if unknown:
        raise fields.error("layer_types", f"{clipped(unknown)} not understood, expected {sorted(known)}")
    return types


def dense_first(fields: ConfigFields) -> list[bool]:
    """Return which layers have a dense FFN: the first ``first_k_dense_replace``."""
    num_layers = fields.num_layers()
    num_dense = fields.get("first_k_dense_replace")
    if num_dense is None:
        num_dense = 0
    if isinstance(num_dense, bool) or not isinstance(num_dense, int) or not 0 <= num_dense <= num_layers:
        raise fields.error("first_k_dense_replace", f"expected 0 to {num_layers}, got {clipped(num_dense)}")
    return [layer < num_dense for layer in range(num_layers)]


def sparse_steps(fields: ConfigFields) -> list[bool]:
    """Return which layers have a dense FFN: those of ``mlp_only_layers``, and all but every n-th."""
    layers = fields.get("mlp_only_layers") or []
    if not isinstance(layers, list) or not all(type(i) is int for i in layers):
        raise fields.error("mlp_only_layers", f"expected a list of layer numbers, got {clipped(layers)}")
    step = fields.count("decoder_sparse_step", 1)
    return [i in layers or (i + 1) % step != 0 for i in range(fields.num_layers())]


def mtp_note(modules: int) -> tuple[str, ...]:
    """Return the note on modules that a plain decode step does not use."""
    return (f"{modules} multi-token-prediction module(s) not lowered: unused in plain decode",) if modules else ()


def layers_by_class(blocks: Sequence[tuple[Mixer, Ffn]]) -> dict[str, list[int]]:
    """Return the layers that have modules of a class, as quantised checkpoints tell classes apart."""
    found: dict[str, list[int]] = {}
    for layer, (mixer, ffn) in enumerate(blocks):
        is_state = mixer.kind in {"mamba", "mamba2", "delta"}
        classes = [] if mixer.kind == "none" else ["ssm" if is_state else "attention"]
        if isinstance(ffn, DenseFfn) or (isinstance(ffn, MoeFfn) and ffn.dense_intermediate_size):
            classes.append("dense_ffn")
        if isinstance(ffn, MoeFfn):
            classes += ["experts", *(["shared_experts"] if ffn.shared_intermediate_size else [])]
        for name in classes:
            found.setdefault(name, []).append(layer)
    return found


def build(
    fields: ConfigFields,
    name: str,
    mixers: dict[str, Mixer],
    ffns: dict[str, Ffn],
    kinds: Sequence[tuple[str, str]],
    module_layers: Mapping[str, Sequence[int]] | None = None,
    **more: object,
) -> ModelSpec:
    """Return the decoder: the frame every family shares around its own blocks.

    Parameters
    ----------
    fields, name
        The configuration, and what the model is called.
    mixers, ffns
        Blocks by name; those no layer uses are left out.
    kinds
        Mixer and FFN of every layer.
    module_layers
        By class of modules the layers that have it, where a checkpoint numbers layers otherwise.
    more
        Fields of `ModelSpec` that differ.
    """
    used = {mixer for mixer, _ in kinds}, {ffn for _, ffn in kinds}
    layers = module_layers or layers_by_class([(mixers[mixer], ffns[ffn]) for mixer, ffn in kinds])
    facts: dict[str, object] = {
        "name": name,
        "source": fields.where,
        "hidden_size": fields.count("hidden_size"),
        "vocab_size": fields.count("vocab_size"),
        "max_context": fields.longest_context(),
        "tie_word_embeddings": fields.flag("tie_word_embeddings", default=False),
        "precision": read_precision(fields, layers),
    }
    return ModelSpec.model_validate(
        facts
        | {
            "mixers": {key: value for key, value in mixers.items() if key in used[0]},
            "ffns": {key: value for key, value in ffns.items() if key in used[1]},
            "layers": runs_of([LayerKind(mixer=mixer, ffn=ffn) for mixer, ffn in kinds]),
        }
        | more
    )
