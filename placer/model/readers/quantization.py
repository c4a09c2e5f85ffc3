"""Storage formats from ``quantization_config``: which modules are quantised, and how.

Every method is reduced to one format and to patterns of modules that are in or out. Patterns are matched against the
names checkpoints give modules, layer by layer; a pattern that splits a class of modules is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import translate
from typing import TYPE_CHECKING, NamedTuple

from placer.errors import clipped
from placer.model.precision import ElementFormat, Precision, WeightFormat, dispatch_format

if TYPE_CHECKING:
    from placer.model.readers.fields import ConfigFields

#: What a class of modules is called below ``model.layers.N``; alternatives of several families.
_MODULES = {
    "attention": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
    "dense_ffn": ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
    "experts": ("mlp.experts.0.gate_proj", "mlp.experts.0.up_proj", "mlp.experts.0.down_proj"),
    "shared_experts": ("mlp.shared_experts.gate_proj", "mlp.shared_experts.up_proj", "mlp.shared_experts.down_proj"),
    "ssm": ("linear_attn.in_proj_qkvz", "linear_attn.out_proj"),
}
_LATENT_ATTENTION = (
    *("self_attn.q_a_proj", "self_attn.q_b_proj", "self_attn.kv_a_proj_with_mqa", "self_attn.kv_b_proj"),
    "self_attn.o_proj",
)
#: Other names of the same modules: a family uses one of them.
_SPELLINGS = (
    ("mlp.experts", "block_sparse_moe.experts"),
    ("mlp.shared_experts", "mlp.shared_expert"),
    ("mlp.shared_experts", "block_sparse_moe.shared_experts"),
    ("self_attn.", "mixer."),
    ("mlp.", "mixer."),
    ("linear_attn.in_proj_qkvz", "mixer.in_proj"),
    ("linear_attn.out_proj", "mixer.out_proj"),
    ("linear_attn.in_proj_qkvz", "mamba.in_proj"),
    ("linear_attn.out_proj", "mamba.out_proj"),
    ("mlp.gate_proj", "feed_forward.gate_proj"),
    ("mlp.experts", "feed_forward.experts"),
    ("mlp.shared_experts", "feed_forward.shared_expert"),
)
#: Prefixes of the layers in text models and in text towers.
_PREFIXES = ("model.layers", "model.language_model.layers", "language_model.model.layers", "backbone.layers")
_INT4_GROUPS = {32: "int4-g32", 64: "int4-g64", 128: "int4-g128"}
_BLOCK = [128, 128]


class _Pattern(NamedTuple):
    text: str
    matches: Callable[[str], object]

    def hits(self, names: list[str]) -> bool:
        return any(self.matches(name) for name in names)


class _Scheme(NamedTuple):
    weight_format: WeightFormat
    included: Callable[[list[str]], bool]
    excluded: tuple[_Pattern, ...]


def read_quantization(fields: ConfigFields, layers: Mapping[str, Sequence[int]]) -> Precision:
    """Return the storage of every class of modules.

    Parameters
    ----------
    fields
        A configuration with a ``quantization_config``.
    layers
        By class of modules the layers that have it, numbered as the checkpoint does.

    Raises
    ------
    ModelConfigError
        For a method or format that is not understood, or a pattern that splits a class of modules.
    """
    quantization = fields.section("quantization_config")
    method = quantization.get("quant_method", "modelopt" if quantization.get("quant_algo") else None)
    readers: dict[object, Callable[[ConfigFields], list[_Scheme]]] = {
        "fp8": _read_fp8,
        "fbgemm_fp8": _read_fbgemm,
        "mxfp4": _read_mxfp4,
        "compressed-tensors": _read_groups,
        "modelopt": _read_modelopt,
        "gptq": _read_gptq,
        "awq": _read_gptq,
    }
    if not isinstance(method, str) or method not in readers:
        raise quantization.error("quant_method", f"expected one of {sorted(map(str, readers))}, got {clipped(method)}")
    schemes = readers[method](quantization)
    update: dict[str, object] = {}
    for name, modules in _MODULES.items():
        is_latent = name == "attention" and fields.get("kv_lora_rank") is not None
        at = (_LATENT_ATTENTION if is_latent else modules, layers.get(name, ()))
        stored = _format_of(name, schemes, at, quantization)
        if stored is not None:
            update[name] = stored
    experts = update.get("experts", WeightFormat.BF16)
    # gpt-oss multiplies its MXFP4 experts with BF16 activations.
    is_weight_only = method == "mxfp4"
    update["dispatch"] = ElementFormat.BF16 if is_weight_only else dispatch_format(WeightFormat(str(experts)))
    update["kv"] = _kv_format(quantization)
    return Precision.model_validate(update)


def _format_of(
    name: str, schemes: list[_Scheme], at: tuple[Sequence[str], Sequence[int]], fields: ConfigFields
) -> WeightFormat | None:
    """Return how the modules of a class are stored in the layers that have them, None for as they were."""
    found: set[WeightFormat | None] = set()
    culprit = ""
    for module in at[0]:
        for layer in at[1]:
            stored: WeightFormat | None = None
            names = _names(module, layer)
            for scheme in schemes:
                hit = next((pattern.text for pattern in scheme.excluded if pattern.hits(names)), None)
                culprit = hit or culprit
                if hit is None and scheme.included(names):
                    stored = scheme.weight_format
            found.add(stored)
    if len(found) > 1:
        message = f"{clipped(culprit)} quantises {name.replace('_', ' ')} in part; only whole classes are understood"
        raise fields.error("ignore", message)
    return found.pop() if found else None


def _names(module: str, layer: int) -> list[str]:
    """Return the names a module of a layer may have."""
    spelled = {module, *(module.replace(ours, other) for ours, other in _SPELLINGS if module.startswith(ours))}
    return [f"{prefix}.{layer}.{one}" for prefix in _PREFIXES for one in sorted(spelled)]


def _patterns(fields: ConfigFields, *names: str) -> tuple[_Pattern, ...]:
    """Return the patterns of some fields, ready to be matched.

    A regex (``re:``) is matched from the start; a glob names a module or something it lies in; anything else is whole
    parts of a path.
    """
    found = []
    for field in names:
        for text in fields.names(field) if fields.get(field) is not None else ():
            if text.startswith("re:"):
                try:
                    matches = re.compile(text[3:]).match
                except re.error as error:
                    raise fields.error(field, f"{clipped(text)} is no regular expression: {error}") from error
            elif "*" in text:
                matches = re.compile(f"(?:{translate(text)})|(?:{translate(f'{text}.*')})").match
            else:
                matches = re.compile(rf"(?:^|\.){re.escape(text)}(?:\.|$)").search
            found.append(_Pattern(text, matches))
    return tuple(found)


def _scalar(fields: ConfigFields, name: str, default: object = None) -> object:
    value = fields.get(name, default)
    if isinstance(value, list | dict):
        raise fields.error(name, f"expected a number or a name, got {clipped(value)}")
    return value


def _everything(_: list[str]) -> bool:
    return True


def _read_fp8(fields: ConfigFields) -> list[_Scheme]:
    block = fields.get("weight_block_size")
    if block not in (None, _BLOCK):
        raise fields.error("weight_block_size", f"expected {_BLOCK}, got {clipped(block)}")
    excluded = _patterns(fields, "modules_to_not_convert", "ignored_layers")
    return [_Scheme(WeightFormat.FP8_BLOCK if block else WeightFormat.FP8, _everything, excluded)]


def _read_fbgemm(fields: ConfigFields) -> list[_Scheme]:
    return [_Scheme(WeightFormat.FP8_CHANNEL, _everything, _patterns(fields, "modules_to_not_convert"))]


def _read_mxfp4(fields: ConfigFields) -> list[_Scheme]:
    excluded = _patterns(fields, "modules_to_not_convert")
    return [_Scheme(WeightFormat.MXFP4, lambda names: any(".experts." in name for name in names), excluded)]


def _read_gptq(fields: ConfigFields) -> list[_Scheme]:
    """Read GPTQ and AWQ: 4 bits in groups with zero points, which GPTQ stores where it is symmetric too."""
    fields.require("bits", understood=4)
    fields.require("desc_act", understood=False)
    group = _scalar(fields, "group_size", _scalar(fields, "q_group_size"))
    if not isinstance(group, int) or group not in _INT4_GROUPS:
        raise fields.error("group_size", f"expected one of {sorted(_INT4_GROUPS)}, got {clipped(group)}")
    excluded = _patterns(fields, "modules_to_not_convert")
    return [_Scheme(WeightFormat(f"{_INT4_GROUPS[group]}-zero"), _everything, excluded)]


def _read_modelopt(fields: ConfigFields) -> list[_Scheme]:
    if fields.get("config_groups") is not None:
        return _read_groups(fields)
    formats = {"NVFP4": WeightFormat.NVFP4, "FP8": WeightFormat.FP8, "FP8_PB_WO": WeightFormat.FP8_BLOCK}
    algorithm = fields.get("quant_algo")
    if not isinstance(algorithm, str) or algorithm not in formats:
        raise fields.error("quant_algo", f"expected one of {sorted(formats)}, got {clipped(algorithm)}")
    return [_Scheme(formats[algorithm], _everything, _patterns(fields, "exclude_modules", "ignore"))]


def _read_groups(fields: ConfigFields) -> list[_Scheme]:
    """Read the groups of compressed-tensors, which modelopt writes too: weights, and the modules they are for."""
    excluded = _patterns(fields, "ignore", "exclude_modules")
    groups, schemes = fields.section("config_groups"), []
    for name in groups.unread():
        group = groups.section(name)
        targets = _patterns(group, "targets")
        schemes.append(_Scheme(_weights_format(group.section("weights")), _targeted(targets), excluded))
    if not schemes:
        raise fields.error("config_groups", "is empty")
    return schemes


def _targeted(targets: tuple[_Pattern, ...]) -> Callable[[list[str]], bool]:
    if not targets or any(target.text == "Linear" for target in targets):
        return _everything
    return lambda names: any(target.hits(names) for target in targets)


def _weights_format(weights: ConfigFields) -> WeightFormat:
    bits, kind, group = _scalar(weights, "num_bits"), _scalar(weights, "type", "int"), _scalar(weights, "group_size")
    strategy = _scalar(weights, "strategy", "group" if group else "tensor")
    is_symmetric = weights.flag("symmetric", default=True)
    known: dict[tuple[object, ...], str] = {
        (8, "float", "tensor"): "fp8",
        (8, "float", "channel"): "fp8-channel",
        (8, "int", "channel"): "int8-channel",
        (8, "int", "tensor"): "int8",
    }
    if (bits, kind, strategy) in known and is_symmetric:
        return WeightFormat(known[bits, kind, strategy])
    if (bits, kind, strategy) == (8, "float", "block") and weights.get("block_structure") == _BLOCK:
        return WeightFormat.FP8_BLOCK
    if (bits, kind, strategy) == (4, "int", "group") and isinstance(group, int) and group in _INT4_GROUPS:
        return WeightFormat(_INT4_GROUPS[group] + ("" if is_symmetric else "-zero"))
    if (bits, kind, group) == (4, "float", 16) and strategy in {"group", "tensor_group"}:
        return WeightFormat.NVFP4
    if (bits, kind, group) == (4, "float", 32) and strategy == "group":
        return WeightFormat.MXFP4
    got = f"{clipped(bits)} bits, type {clipped(kind)}, strategy {clipped(strategy)}, group {clipped(group)}"
    raise weights.error("num_bits", f"{got}, symmetric {is_symmetric}: not understood")


def _kv_format(fields: ConfigFields) -> ElementFormat:
    scheme, algorithm = fields.get("kv_cache_scheme"), fields.get("kv_cache_quant_algo")
    if scheme is None and algorithm is None:
        return ElementFormat.BF16
    if algorithm is not None:
        if algorithm != "FP8":
            raise fields.error("kv_cache_quant_algo", f"expected FP8, got {clipped(algorithm)}")
        return ElementFormat.FP8
    section = fields.section("kv_cache_scheme")
    if (section.get("num_bits"), section.get("type")) != (8, "float"):
        raise fields.error("kv_cache_scheme", f"expected 8 bits of type float, got {clipped(scheme)}")
    return ElementFormat.FP8
