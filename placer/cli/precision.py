"""Options that store a model otherwise than its checkpoint: ``--weights``, ``--experts``, ``--kv``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from placer.errors import InputError, nearest_hint

if TYPE_CHECKING:
    from placer.model.spec import ModelSpec

WeightsOption = Annotated[
    str | None,
    typer.Option("--weights", metavar="FORMAT", help="Store attention and FFN weights in this format, such as fp8."),
]
ExpertsOption = Annotated[
    str | None, typer.Option("--experts", metavar="FORMAT", help="Store routed experts in this format, such as nvfp4.")
]
KvOption = Annotated[
    str | None, typer.Option("--kv", metavar="FORMAT", help="Store the KV cache in this format: bf16 or fp8.")
]

Format = TypeVar("Format", bound=StrEnum)


def with_formats(
    spec: ModelSpec, *, weights: str | None = None, experts: str | None = None, kv: str | None = None
) -> ModelSpec:
    """Return a model stored otherwise; options that are not given change nothing.

    Raises
    ------
    InputError
        For a format that is not known.
    """
    from placer.model.precision import ElementFormat, WeightFormat

    precision = spec.precision
    if weights is not None:
        precision = precision.with_weights(_named(WeightFormat, weights, "--weights"))
    if experts is not None:
        precision = precision.with_experts(_named(WeightFormat, experts, "--experts"))
    if kv is not None:
        precision = precision.with_kv(_named(ElementFormat, kv, "--kv"))
    return spec.model_copy(update={"precision": precision})


def with_served_formats(
    spec: ModelSpec, *, weights: str | None = None, experts: str | None = None, kv: str | None = None
) -> ModelSpec:
    """Return a model as deployments name themselves: ``fp8`` and ``fp4`` as widths, and KV as wide as the weights.

    Raises
    ------
    InputError
        For a format that is not known.
    """
    from placer.model.served import WIDTHS, with_served_width

    if weights not in WIDTHS:
        return with_formats(spec, weights=weights, experts=experts, kv=kv)
    narrowed = spec.model_copy(update={"precision": with_served_width(spec.precision, weights)})
    return with_formats(narrowed, experts=experts, kv=kv)


def _named(formats: type[Format], name: str, where: str) -> Format:
    known = [str(one) for one in formats]
    if name not in known:
        raise InputError(f'unknown format "{name}"{nearest_hint(name, known)}; known: {", ".join(known)}', where=where)
    return formats(name)
