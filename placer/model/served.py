"""How a model is served when only a width is said: ``fp8`` or ``fp4``, as deployments name themselves."""

from __future__ import annotations

from placer.model.precision import LAYOUTS, ElementFormat, Precision, WeightFormat, dispatch_format

#: What a width means for a module that is stored wider.
WIDTHS: dict[str, WeightFormat] = {
    "bf16": WeightFormat.BF16,
    "fp8": WeightFormat.FP8,
    "fp4": WeightFormat.NVFP4,
}
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
