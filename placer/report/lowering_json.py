"""What ``placer lower --json`` prints: the sums of a lowered model, typed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.graph.model_graph import ModelGraph
from placer.graph.op import OpKind
from placer.graph.totals import OpClass, op_classes, read_bytes, totals
from placer.report.reconcile import Reconciliation

SCHEMA_VERSION = 1

Count = Annotated[int, Field(ge=0)]


class ParametersByKind(BaseModel):
    """Parameters by the book they are counted in; a tied matrix counts once, under ``embed``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embed: Count
    attn: Count
    dense_ffn: Count
    router: Count
    routed_experts: Count
    shared_experts: Count
    lm_head: Count
    ssm: Count
    norm: Count
    other: Count = Field(description="what fits no other kind: residual streams, latent projections of experts")


class Parameters(BaseModel):
    """Parameters of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total: Count
    active: Count = Field(description="touched by one token, input embedding included")
    active_without_input_embedding: Count = Field(description="the same, a table that is only looked up left out")
    by_kind: ParametersByKind


class OpClassLowering(BaseModel):
    """Equal ops of a model: all of them together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: OpKind
    count: Count = Field(description="ops in the model")
    visits_per_token: Count = Field(description="ops one token passes; top_k per layer for routed experts")
    window: Count | None = Field(description="tokens a query looks back; null = all")
    weight_formats: tuple[str, ...]
    parameters: Count
    weight_bytes: Count = Field(description="in a checkpoint; a tied copy has none of its own")
    flops_per_token: Count = Field(description="of a decoded token, at the context")
    prefill_flops_per_token: float = Field(description="mean over a prompt as long as the context")
    kv_bytes_per_token: Count = Field(description="while no window is full")
    kv_bytes_per_sequence: Count = Field(description="at the context")
    held_bytes_per_sequence: Count = Field(description="KV cache, indices and states at the context")
    read_bytes: float = Field(description="expected bytes a decode step reads at the batch, routing uniform")
    arithmetic_intensity: float = Field(description="FLOPs of the step over bytes read")


class AtContext(BaseModel):
    """What depends on the context."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    context: Annotated[int, Field(ge=1)]
    kv_bytes_per_sequence: Count
    held_bytes_per_sequence: Count = Field(description="KV cache, indices and states")
    flops_per_token: Count = Field(description="of a decoded token")
    prefill_flops_per_token: float = Field(description="mean over a prompt of that length")
    read_bytes: float = Field(description="expected bytes a decode step reads at the batch, routing uniform")


class Lowering(BaseModel):
    """A lowered model in numbers; those that depend on the context at the first one asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    model: str
    context: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)]
    parameters: Parameters
    weight_bytes: Count
    kv_bytes_per_token: Count = Field(description="while no window is full")
    kv_bytes_per_sequence: Count
    index_bytes_per_token: Count = Field(description="keys of indexers, which are no KV cache")
    state_bytes_per_sequence: Count = Field(description="whatever the context")
    held_bytes_per_sequence: Count = Field(description="KV cache, indices and states")
    flops_per_token: Count = Field(description="of a decoded token")
    prefill_flops_per_token: float = Field(description="mean over a prompt as long as the context")
    op_classes: tuple[OpClassLowering, ...]
    contexts: Annotated[tuple[AtContext, ...], Field(min_length=1)]
    notes: tuple[str, ...] = ()
    reconciliation: Reconciliation | None = Field(default=None, description="with the checkpoint, where there is one")

    @property
    def read_bytes(self) -> float:
        """Expected bytes a decode step reads in all ops."""
        return sum(entry.read_bytes for entry in self.op_classes)

    @property
    def arithmetic_intensity(self) -> float:
        """FLOPs of a decode step over the bytes it reads."""
        return self.batch * self.flops_per_token / self.read_bytes

    def to_json(self) -> str:
        """Return JSON text with a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"


def summarize(model: ModelGraph, *, context: int, batch: int, more_contexts: tuple[int, ...] = ()) -> Lowering:
    """Return the numbers of a lowered model.

    Parameters
    ----------
    model
        The lowered model.
    context
        Tokens in the KV cache of every sequence when a token is decoded.
    batch
        Sequences that are decoded together.
    more_contexts
        Further contexts to tell the sums of.
    """
    classes = op_classes(model)
    sums = totals(model, context, classes)
    return Lowering(
        model=model.spec.name,
        context=context,
        batch=batch,
        parameters=Parameters(
            total=sums.parameters,
            active=sums.active_parameters,
            active_without_input_embedding=sums.active_parameters_without_input_embedding,
            by_kind=ParametersByKind.model_validate(sums.parameters_by_kind),
        ),
        weight_bytes=sums.weight_bytes,
        kv_bytes_per_token=sums.kv_bytes_per_token,
        kv_bytes_per_sequence=sums.kv_bytes_per_sequence,
        index_bytes_per_token=sums.index_bytes_per_token,
        state_bytes_per_sequence=sums.state_bytes_per_sequence,
        held_bytes_per_sequence=sums.held_bytes_per_sequence,
        flops_per_token=sums.flops_per_token,
        prefill_flops_per_token=sums.prefill_flops_per_token,
        op_classes=tuple(_summarize_class(entry, context=context, batch=batch) for entry in classes),
        contexts=tuple(_at_context(model, classes, one, batch) for one in (context, *more_contexts)),
        notes=model.spec.notes,
    )


def _at_context(model: ModelGraph, classes: tuple[OpClass, ...], context: int, batch: int) -> AtContext:
    sums = totals(model, context, classes)
    return AtContext(
        context=context,
        kv_bytes_per_sequence=sums.kv_bytes_per_sequence,
        held_bytes_per_sequence=sums.held_bytes_per_sequence,
        flops_per_token=sums.flops_per_token,
        prefill_flops_per_token=sums.prefill_flops_per_token,
        read_bytes=sum(read_bytes(entry, batch, context) for entry in classes),
    )


def _summarize_class(entry: OpClass, *, context: int, batch: int) -> OpClassLowering:
    flops, read = entry.flops_per_token(context), read_bytes(entry, batch, context)
    return OpClassLowering(
        kind=entry.op.kind,
        count=entry.count,
        visits_per_token=entry.visits_per_token,
        window=entry.op.window,
        weight_formats=tuple(dict.fromkeys(matrix.weight_format for matrix in entry.op.matrices)),
        parameters=entry.count * sum(entry.op.parameters.values()),
        weight_bytes=entry.weight_bytes,
        flops_per_token=flops,
        prefill_flops_per_token=entry.prompt_flops(context) / context,
        kv_bytes_per_token=entry.count * entry.op.kv_bytes_per_token,
        kv_bytes_per_sequence=entry.kv_bytes_per_sequence(context),
        held_bytes_per_sequence=entry.held_bytes_per_sequence(context),
        read_bytes=read,
        arithmetic_intensity=batch * flops / read if read else 0.0,
    )
