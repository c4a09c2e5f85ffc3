"""Options that store a model otherwise than its checkpoint: ``--weights``, ``--experts``, ``--kv``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

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


def with_formats(
    spec: ModelSpec, *, weights: str | None = None, experts: str | None = None, kv: str | None = None
) -> ModelSpec:
    """Return a model stored otherwise; options that are not given change nothing."""
    from placer.model.served import stored_as

    return stored_as(spec, weights=weights, experts=experts, kv=kv, prefix="--")
