"""A decode step against the peaks of one kind of device: what binds, what fits, and where the bytes are.

Nothing here has a floor, an efficiency or a link: it is what arithmetic alone allows (physics A1, A4), not a
prediction.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.device import Device
from placer.errors import InputError
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Matrix, Op, OpKind
from placer.graph.totals import OpClass, op_classes, read_bytes
from placer.model.precision import ComputePrecision

Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]


class Part(StrEnum):
    """Side of a layer an op is on; embedding and LM head are on neither."""

    ATTENTION = "attention"
    FFN = "ffn"
    ENDS = "embedding_and_head"


_PARTS = {
    OpKind.EMBEDDING: Part.ENDS,
    OpKind.LM_HEAD: Part.ENDS,
    OpKind.DENSE_FFN: Part.FFN,
    OpKind.EXPERT: Part.FFN,
    OpKind.SHARED_EXPERT: Part.FFN,
    OpKind.NO_FFN: Part.FFN,
}


def part_of(op: Op) -> Part:
    """Return the side of a layer an op is on; a router goes with the attention that feeds it."""
    return _PARTS.get(op.kind, Part.ATTENTION)


class OpRoof(BaseModel):
    """Equal ops of a step, all of them together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: OpKind
    part: Part
    count: Annotated[int, Field(ge=0)]
    weights_as: str | None = Field(description="format the device holds the weights in; null = no matrices")
    precision: ComputePrecision = Field(description="what the device multiplies in")
    read_bytes: Amount = Field(description="expected bytes read, weights as held, routing uniform")
    flops: Amount
    arithmetic_intensity: Amount = Field(description="FLOP per byte")
    ridge: Amount = Field(description="FLOP per byte from which on the device computes longer than it reads")
    is_compute_bound: bool
    seconds: Amount = Field(description="at the peaks of one device")


class Holding(BaseModel):
    """What some bytes take of a device."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    held_bytes: Amount
    devices: Amount = Field(description="memories of one device it would fill, no reserve taken off")
    min_devices: Annotated[int, Field(ge=0)] = Field(description="least whole devices, the reserve taken off")


class FfnShare(BaseModel):
    """Share of the bytes of a step that FFN and experts read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: Annotated[int, Field(ge=1)]
    context: Annotated[int, Field(ge=1)]
    byte_share: Share


class Roofline(BaseModel):
    """A decode step of a model against the peaks of a device."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    model: str
    device: str
    batch: Annotated[int, Field(ge=1)]
    context: Annotated[int, Field(ge=1)]
    ridges: dict[str, float] = Field(description="FLOP per byte by precision: peak over bandwidth")
    turnover_s: Amount = Field(description="time to read the whole memory once")
    ops: tuple[OpRoof, ...]
    holdings: tuple[Holding, ...]
    tokens_per_memory: Amount | None = Field(description="tokens of KV cache that fill one memory; null = keeps none")
    seconds: Amount = Field(description="at the peaks of one device, whether it fits or not")
    busy_share: Share = Field(description="of the step the multipliers work")
    min_devices: Annotated[int, Field(ge=1)] = Field(description="that hold weights and caches of the batch")
    aggregate_seconds: Amount = Field(description="with the peaks of all of min_devices at once; nobody reaches it")
    ffn_shares: tuple[FfnShare, ...]
    ffn_time_share: Share

    def to_json(self) -> str:
        """Return JSON text with a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"


def ridge(device: Device, precision: ComputePrecision) -> float:
    """Return the FLOP per byte at which a device reads as long as it computes."""
    return device.peak[precision] / device.compute_tier.bandwidth


def turnover_s(device: Device) -> float:
    """Return the time a device takes to read all of its memory once (physics A4)."""
    return device.compute_tier.capacity / device.compute_tier.bandwidth


def roofline(model: ModelGraph, device: Device, batches: tuple[int, ...], contexts: tuple[int, ...]) -> Roofline:
    """Return a decode step against the peaks of a device.

    Parameters
    ----------
    model
        The lowered model.
    device
        Every op runs on it, alone.
    batches, contexts
        Sequences decoded together and tokens in the cache of each; the first of each is the step in detail, the share
        of the FFN is told of all pairs.

    Raises
    ------
    InputError
        If the device cannot hold the model's weights in any format, or keeps KV cache in a tier of its own.
    """
    if device.is_split:
        raise InputError(f"{device.name} keeps KV cache in a tier of its own; expected one tier", where="--device")
    classes = op_classes(model)
    batch, context = batches[0], contexts[0]
    ops = tuple(_op_roof(entry, device, batch, context) for entry in classes)
    seconds = sum(op.seconds for op in ops)
    cache = batch * sum(entry.held_bytes_per_sequence(context) for entry in classes)
    holdings = _holdings(classes, device, cache)
    per_token = sum(entry.count * entry.op.kv_bytes_per_token for entry in classes)
    least = max(1, holdings[-1].min_devices)
    return Roofline(
        model=model.spec.name,
        device=device.name,
        batch=batch,
        context=context,
        ridges={str(precision): ridge(device, precision) for precision in device.peak},
        turnover_s=turnover_s(device),
        ops=ops,
        holdings=holdings,
        tokens_per_memory=device.compute_tier.capacity / per_token if per_token else None,
        seconds=seconds,
        busy_share=min(1.0, sum(op.flops / device.peak[op.precision] for op in ops) / seconds),
        min_devices=least,
        aggregate_seconds=seconds / least,
        ffn_shares=tuple(_ffn_share(classes, device, one, length) for one in batches for length in contexts),
        ffn_time_share=min(1.0, sum(op.seconds for op in ops if op.part is Part.FFN) / seconds),
    )


def _held_bytes(op: Op, device: Device, matrices: tuple[Matrix, ...]) -> int:
    """Return the bytes of an op's vectors and of some of its matrices as the device holds them, uncut."""
    total = sum(vector.elements * vector.element_bytes for vector in op.vectors)
    for matrix in matrices:
        holding = device.holding(matrix.weight_format)
        if holding is None:
            raise InputError(f"{device.name} can hold {matrix.weight_format} in no format it multiplies")
        total += matrix.stored_bytes(holding[0])
    return total


def _read_bytes(entry: OpClass, device: Device, batch: int, context: int) -> float:
    """Return what a step reads of a class with the weights as held, not as stored in the checkpoint."""
    op, read = entry.op, read_bytes(entry, batch, context)
    # Caches belong to cores, whose few vectors every device holds alike.
    return read * _held_bytes(op, device, op.matrices) / op.weight_bytes if op.matrices else read


def _op_roof(entry: OpClass, device: Device, batch: int, context: int) -> OpRoof:
    op = entry.op
    read, flops = _read_bytes(entry, device, batch, context), float(batch * entry.flops_per_token(context))
    holding = device.holding(op.matrices[0].weight_format) if op.matrices else None
    widest = ComputePrecision.BF16 if ComputePrecision.BF16 in device.peak else next(iter(device.peak))
    precision = holding[1] if holding else widest
    reading, computing = read / device.compute_tier.bandwidth, flops / device.peak[precision]
    return OpRoof(
        kind=op.kind,
        part=part_of(op),
        count=entry.count,
        weights_as=str(holding[0]) if holding else None,
        precision=precision,
        read_bytes=read,
        flops=flops,
        arithmetic_intensity=flops / read if read else 0.0,
        ridge=ridge(device, precision),
        is_compute_bound=computing > reading,
        seconds=max(reading, computing),
    )


def _holdings(classes: tuple[OpClass, ...], device: Device, cache: int) -> tuple[Holding, ...]:
    parts = dict.fromkeys(Part, 0)
    for entry in classes:
        # A tied LM head needs no room of its own on the device that holds the embedding.
        own = tuple(matrix for matrix in entry.op.matrices if matrix.is_counted)
        parts[part_of(entry.op)] += entry.count * _held_bytes(entry.op, device, own)
    weights = sum(parts.values())
    rows = {str(part): held for part, held in parts.items()}
    rows |= {"weights": weights, "cache": cache, "weights_and_cache": weights + cache}
    capacity = device.compute_tier.capacity
    return tuple(
        Holding(what=what, held_bytes=held, devices=held / capacity, min_devices=math.ceil(held / device.usable_bytes))
        for what, held in rows.items()
    )


def _ffn_share(classes: tuple[OpClass, ...], device: Device, batch: int, context: int) -> FfnShare:
    read = [(part_of(entry.op), _read_bytes(entry, device, batch, context)) for entry in classes]
    ffn = sum(volume for part, volume in read if part is Part.FFN)
    return FfnShare(batch=batch, context=context, byte_share=min(1.0, ffn / sum(volume for _, volume in read)))
