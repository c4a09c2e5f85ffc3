"""What one device holds and computes of an op that tensor parallelism has cut."""

from __future__ import annotations

from placer.catalog.device import Device
from placer.graph.op import Op
from placer.model.precision import ComputePrecision, WeightFormat


def stored_shard_bytes(op: Op, shards: int, device: Device) -> int:
    """Return the weight bytes of an op on each of ``shards`` devices.

    A matrix that cannot be cut so often is replicated; vectors always are. A device that cannot multiply in the
    checkpoint's format holds a wider one.

    Raises
    ------
    LookupError
        If the device cannot hold the op at all.
    """
    total = sum(vector.elements * vector.element_bytes for vector in op.vectors)
    for matrix in op.matrices:
        holding = device.holding(matrix.weight_format)
        if holding is None:
            raise LookupError(f"{device.name} cannot hold {matrix.weight_format}")
        total += -(-matrix.stored_bytes(holding[0]) // min(shards, matrix.max_shards))
    return total


def shard_flops_per_token(op: Op, shards: int) -> float:
    """Return the FLOPs of one token in the weights of one device [FLOP]."""
    return sum(2.0 * matrix.elements / min(shards, matrix.max_shards) for matrix in op.matrices)


def held_format(op: Op, device: Device) -> tuple[WeightFormat | None, ComputePrecision]:
    """Return how a device stores an op's weights and what it multiplies in.

    An attention core has no weights and runs in BF16 where the device can.
    """
    for matrix in op.matrices:
        holding = device.holding(matrix.weight_format)
        if holding is not None:
            return holding
    has_bf16 = ComputePrecision.BF16 in device.peak
    return None, ComputePrecision.BF16 if has_bf16 else next(iter(device.peak))
