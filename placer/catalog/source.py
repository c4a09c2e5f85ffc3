"""Where a figure comes from."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class SourceKind(StrEnum):
    """How far a figure can be trusted."""

    MEASURED = "measured"
    VENDOR = "vendor"
    SECONDARY = "secondary"
    DERIVED = "derived"
    ESTIMATE = "estimate"


class Source(BaseModel):
    """One citation and the fields it covers.

    A field is covered by its own name (``memory``), or by a longer one (``price.tco``), which wins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    covers: tuple[str, ...] = Field(min_length=1, description="figures it is for")
    kind: SourceKind = Field(description="how far it can be trusted")
    cite: str = Field(min_length=1, description="where it was read")
    note: str = Field(default="", description="for people")


def source_of(field: str, sources: tuple[Source, ...]) -> Source | None:
    """Return the citation that covers a field most closely, or None.

    >>> broad = Source(covers=("price",), kind="vendor", cite="list")
    >>> source_of("price.tco", (broad,)).cite
    'list'
    """
    best: tuple[int, Source] | None = None
    for source in sources:
        for prefix in source.covers:
            matches = field == prefix or field.startswith(f"{prefix}.")
            if matches and (best is None or len(prefix) > best[0]):
                best = (len(prefix), source)
    return best[1] if best else None


def is_estimate(field: str, sources: tuple[Source, ...]) -> bool:
    """Return whether a field is a guess: cited as an estimate, or not cited at all."""
    source = source_of(field, sources)
    return source is None or source.kind is SourceKind.ESTIMATE
