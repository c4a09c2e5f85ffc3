"""What the KV cache of a batch weighs, with its arithmetic: ``placer kv``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.graph.model_graph import ModelGraph
from placer.graph.op import Cache
from placer.units import format_bytes

Count = Annotated[int, Field(ge=0)]


class KvTerm(BaseModel):
    """What equal layers keep of a sequence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: Count
    what: str = Field(description="KV cache, index or state")
    entry_bytes: Count = Field(description="per layer and entry; of a state per layer")
    entries: Count = Field(description="kept at the context; 1 for a state")
    rule: str = Field(default="", description="what limits the entries")

    @property
    def total_bytes(self) -> int:
        """Bytes of a sequence in these layers."""
        return self.layers * self.entry_bytes * self.entries


class KvAnswer(BaseModel):
    """The cache of a batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    context: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)]
    kv_format: str
    terms: tuple[KvTerm, ...]
    bytes_per_sequence: Count
    total_bytes: Count

    def to_json(self) -> str:
        """Return JSON text with a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"

    def line(self) -> str:
        """Return the answer and how it comes about, in one line."""
        parts = " + ".join(
            f"{term.layers} layers x {term.entry_bytes:,} B"
            + (f" x {term.entries:,}{term.rule}" if term.what != "state" else " of state")
            + (" of index" if term.what == "index" else "")
            for term in self.terms
        )
        return (
            f"{self.model}, KV in {self.kv_format}: {format_bytes(self.total_bytes)} ({self.total_bytes:,} B) "
            f"for {self.batch:,} sequence(s) of {self.context:,} tokens = {self.batch:,} x "
            f"{format_bytes(self.bytes_per_sequence)}; a sequence is {parts or 'nothing'}"
        )


def kv_answer(model: ModelGraph, context: int, batch: int) -> KvAnswer:
    """Return what a batch keeps.

    Parameters
    ----------
    model
        The lowered model.
    context
        Tokens of every sequence.
    batch
        Sequences.
    """
    counts: dict[tuple[str, int, int, str], int] = {}
    for entry in model.layer_classes:
        for cache in entry.ops.core.caches:
            key = ("index" if cache.is_index else "KV cache", cache.entry_bytes, cache.kept(context), _rule(cache))
            counts[key] = counts.get(key, 0) + entry.count
        if entry.ops.core.state_bytes:
            key = ("state", entry.ops.core.state_bytes, 1, "")
            counts[key] = counts.get(key, 0) + entry.count
    terms = tuple(
        KvTerm(layers=layers, what=what, entry_bytes=entry_bytes, entries=entries, rule=rule)
        for (what, entry_bytes, entries, rule), layers in counts.items()
        if entries
    )
    each = sum(term.total_bytes for term in terms)
    return KvAnswer(
        model=model.spec.name,
        context=context,
        batch=batch,
        kv_format=str(model.spec.precision.kv),
        terms=terms,
        bytes_per_sequence=each,
        total_bytes=batch * each,
    )


def _rule(cache: Cache) -> str:
    stride = f" (one for {cache.stride} tokens)" if cache.stride > 1 else ""
    return (f" (window {cache.window:,})" if cache.window else "") + stride
