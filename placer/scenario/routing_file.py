"""Routed tokens per expert and layer, as measured, read from a file.

Two shapes are read. Ours is ``{"counts": [[...], ...], "layers": [0, 7, 15]}``: one list of experts per layer;
``layers`` says which layers they are and may be absent; so may everything but the lists. A collection is
``{"data": {name: {"counts": [[...], ...]}}}``; one of its entries is chosen by ``file.json#name``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.errors import InputError, nearest_hint
from placer.files import is_existing, parse_mapping, read_text
from placer.scenario.routing import MAX_EXPERTS, RoutingKind, RoutingProfile
from placer.scenario.routing_skew import LayerSkew, measure_skew
from placer.validate import validated

Count = Annotated[float, Field(strict=True, ge=0, le=1e12, allow_inf_nan=False)]
LayerCounts = Annotated[tuple[Count, ...], Field(min_length=1, max_length=MAX_EXPERTS)]
LayerNumber = Annotated[int, Field(strict=True, ge=0, le=100_000)]


class RoutingCounts(BaseModel):
    """Routed tokens per expert, layer by layer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    counts: Annotated[tuple[LayerCounts, ...], Field(min_length=1)] = Field(
        description="routed tokens, [layer][expert]; every layer has the same number of experts"
    )
    layers: tuple[LayerNumber, ...] | None = Field(
        default=None, description="which layers of the model these are; null = not told"
    )

    @model_validator(mode="after")
    def _layers_are_alike(self) -> RoutingCounts:
        for index, layer in enumerate(self.counts):
            if len(layer) != self.num_experts:
                raise ValueError(f"counts[{index}] has {len(layer)} experts, counts[0] has {self.num_experts}")
            if not any(layer):
                raise ValueError(f"counts[{index}] is all zero")
        if self.layers is not None and len(set(self.layers)) != len(self.counts):
            raise ValueError(f"layers has {len(set(self.layers))} different numbers for {len(self.counts)} layers")
        return self

    @property
    def num_experts(self) -> int:
        """Experts of a layer."""
        return len(self.counts[0])

    @property
    def profile(self) -> RoutingProfile:
        """The routing profile of these layers, in rising order."""
        if self.layers is None:
            return RoutingProfile(kind=RoutingKind.LAYERS, layers=self.counts)
        numbers, counts = zip(*sorted(zip(self.layers, self.counts, strict=True)), strict=True)
        return RoutingProfile(kind=RoutingKind.LAYERS, layers=counts, numbers=numbers)

    @property
    def skews(self) -> tuple[LayerSkew, ...]:
        """Unevenness, layer by layer."""
        return tuple(measure_skew(layer) for layer in self.counts)


def read_routing_counts(reference: str) -> RoutingCounts:
    """Read counts from a file, or from one entry of a collection.

    Parameters
    ----------
    reference
        A path, or a path, ``#`` and the name of an entry.

    Raises
    ------
    InputError
        Naming file and field; for an unknown entry, the nearest known one.
    """
    path, name = _split(reference)
    text, where = read_text(path), str(path)
    # Bare lists are the field they would be.
    raw = parse_mapping(f'{{"counts": {text}}}' if text.lstrip().startswith("[") else text, where)
    if "data" not in raw:
        if name:
            raise InputError(f'has no entries, so none is called "{name}"', where=where)
        return validated(RoutingCounts, raw, where)
    entry = _entry(raw["data"], name, where)
    where = f"{where}: {name}"
    return validated(RoutingCounts, {"counts": entry.get("counts"), "layers": _layers(entry, where)}, where)


def _split(reference: str) -> tuple[Path, str]:
    """Return path and name of an entry; a file that is called like that is no entry of another."""
    if "#" not in reference or is_existing(Path(reference)):
        return Path(reference), ""
    path, _, name = reference.partition("#")
    return Path(path), name


def _entry(entries: Any, name: str, where: str) -> dict[str, Any]:
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise InputError("expected named entries with counts", where=f"{where}: data")
    if not name:
        raise InputError(f"has {len(entries)} entries; choose one: {where}#NAME", where=where)
    if name not in entries:
        raise InputError(f'unknown entry "{name}"{nearest_hint(name, entries)}', where=where)
    entry: dict[str, Any] = entries[name]
    return entry


def _layers(entry: dict[str, Any], where: str) -> Any:
    """Return the numbers of the layers; collections give how many there are instead."""
    layers = entry.get("layers")
    if not isinstance(layers, int):
        return layers
    num_counts = len(entry["counts"]) if isinstance(entry.get("counts"), list) else layers
    if layers != num_counts:
        raise InputError(
            f"expected {num_counts}, the number of layers in counts, got {layers}", where=f"{where}: layers"
        )
    return None
