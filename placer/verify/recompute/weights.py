"""Bytes and FLOPs of one op's shard on one device (``docs/method.md``, section 3)."""

from __future__ import annotations

import math
from fractions import Fraction

from placer.catalog.device import Device
from placer.errors import InternalError
from placer.graph.op import Op
from placer.model.precision import ComputePrecision, WeightFormat


def held(op: Op, device: Device) -> tuple[WeightFormat, ComputePrecision]:
    """Return how a device stores an op's matrices and what it multiplies them in."""
    return held_format(op.matrices[0].weight_format, device)


def held_format(weight_format: WeightFormat, device: Device) -> tuple[WeightFormat, ComputePrecision]:
    """Return how a device stores a format and what it multiplies it in."""
    holding = device.holding(weight_format)
    if holding is None:
        raise InternalError(f"{device.name} cannot hold {weight_format}")
    return holding


def shard_bytes(op: Op, device: Device, cuts: int) -> float:
    """Return the bytes of one of ``cuts`` shards of an op's weights.

    Every matrix is cut into as many parts as it allows, at most ``cuts``, the largest of whole bytes; vectors are
    replicated.
    """
    total = float(sum(vector.elements * vector.element_bytes for vector in op.vectors))
    for matrix in op.matrices:
        stored, _ = held_format(matrix.weight_format, device)
        total += math.ceil(Fraction(matrix.stored_bytes(stored), min(cuts, matrix.max_shards)))
    return total


def shard_flops(op: Op, cuts: int) -> float:
    """Return the FLOPs of one token in one of ``cuts`` shards; ranks repeat a replicated matrix."""
    return sum(2 * matrix.elements / min(cuts, matrix.max_shards) for matrix in op.matrices)


def reductions(op: Op, cuts: int) -> float:
    """Return the elements summed over in series by one of ``cuts`` shards; matrices of one input work together."""
    lengths: dict[tuple[int, bool], float] = {}
    for matrix in op.matrices:
        parts = min(cuts, matrix.max_shards) if matrix.cuts_inputs else 1
        lengths[matrix.columns, matrix.cuts_inputs] = matrix.columns / parts
    return sum(lengths.values())


def handled(op: Op, cuts: int) -> float:
    """Return the elements one token brings into and takes out of one of ``cuts`` shards."""
    outputs = sum(
        matrix.rows if matrix.cuts_inputs else matrix.rows / min(cuts, matrix.max_shards) for matrix in op.matrices
    )
    return reductions(op, cuts) + outputs
