"""A model stored otherwise than its checkpoint: in formats by name, or in a width, as deployments name themselves."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from placer.errors import InputError, nearest_hint
from placer.model.precision import LAYOUTS, ElementFormat, Precision, WeightFormat, dispatch_format
from placer.model.spec import ModelSpec

#: What a width means for a module that is stored wider.
WIDTHS: dict[str, WeightFormat] = {
    "bf16": WeightFormat.BF16,
    "fp8": WeightFormat.FP8,
    "fp4": WeightFormat.NVFP4,
}
Format = TypeVar("Format", bound=StrEnum)
_LINEAR = ("attention", "dense_ffn", "experts", "shared_experts", "ssm")


def with_width(precision: Precision, width: str) -> Precision:
    """Return a precision whose linear layers have at most the bits of a width; narrower ones stay as they are.

    A checkpoint in blockwise FP8 served as ``fp8`` stays blockwise, one in MXFP4 served as ``fp4`` stays MXFP4.

    Parameters
    ----------
    precision
        The checkpoint's.
    width
        One of `WIDTHS`.
    """
    wanted = WIDTHS[width]
    kept = {name: getattr(precision, name) for name in _LINEAR}
    update: dict[str, object] = {
        name: wanted for name, stored in kept.items() if LAYOUTS[stored].bits > LAYOUTS[wanted].bits
    }
    if "experts" in update:
        update["dispatch"] = dispatch_format(wanted)
    return precision.model_copy(update=update)


def with_served_width(precision: Precision, width: str) -> Precision:
    """Return a precision at a width, the KV cache as wide as the weights but never below 8 bits."""
    kv = ElementFormat.BF16 if width == "bf16" else ElementFormat.FP8
    return with_width(precision, width).with_kv(kv)


def stored_as(
    spec: ModelSpec,
    *,
    weights: str | None = None,
    experts: str | None = None,
    kv: str | None = None,
    prefix: str = "",
) -> ModelSpec:
    """Return a model stored in other formats; what is not given stays.

    Parameters
    ----------
    spec
        The model.
    weights, experts, kv
        Names of formats.
    prefix
        What messages put before the name of a parameter.

    Raises
    ------
    InputError
        For a format that is not known.
    """
    precision = spec.precision
    if weights is not None:
        precision = precision.with_weights(_named(WeightFormat, weights, f"{prefix}weights"))
    if experts is not None:
        precision = precision.with_experts(_named(WeightFormat, experts, f"{prefix}experts"))
    if kv is not None:
        precision = precision.with_kv(_named(ElementFormat, kv, f"{prefix}kv"))
    return spec.model_copy(update={"precision": precision})


def served_as(
    spec: ModelSpec,
    *,
    weights: str | None = None,
    experts: str | None = None,
    kv: str | None = None,
    prefix: str = "",
) -> ModelSpec:
    """Return a model as deployments name themselves: `WIDTHS` of weights are widths; else as `stored_as`."""
    if weights in WIDTHS:
        spec = spec.model_copy(update={"precision": with_served_width(spec.precision, weights)})
        weights = None
    return stored_as(spec, weights=weights, experts=experts, kv=kv, prefix=prefix)


def _named(formats: type[Format], name: str, where: str) -> Format:
    known = [str(one) for one in formats]
    if name not in known:
        raise InputError(f'unknown format "{name}"{nearest_hint(name, known)}; known: {", ".join(known)}', where=where)
    return formats(name)
