"""Time of one kernel on one device (physics A1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from placer.catalog.kernel import KernelModel

Floats = TypeVar("Floats", float, NDArray[np.float64])


@dataclass(frozen=True)
class Work(Generic[Floats]):
    """What an op asks of a kernel on one device; numbers, or arrays of equal length.

    Attributes
    ----------
    read_bytes
        Bytes this shard reads: weights plus KV cache [B].
    flops
        Work of this shard, a multiply-add counts two [FLOP].
    launches
        Dependent kernels in the op.
    depth
        Elements of the longest reduction, summed over dependent kernels.
    handled_bytes
        Activations read and written [B].
    tile_flops
        Work of one more token in every touched expert [FLOP].
    experts
        Experts the rank holds.
    scores
        Attention scores computed.
    """

    read_bytes: Floats
    flops: Floats
    launches: int = 1
    depth: float | Floats = 0.0
    handled_bytes: float | Floats = 0.0
    tile_flops: float | Floats = 0.0
    experts: float | Floats = 0.0
    scores: float | Floats = 0.0


def kernel_time_s(
    kernel: KernelModel, work: Work[Floats], *, bandwidth_bytes_per_s: float, peak_flops_per_s: float
) -> Floats:
    """Return the time of one op on one device.

    A device streams or computes, the slower decides, more or less sharply; every dependent launch pays the floor;
    reductions, activations and experts cost on top (physics A1; `KernelModel` has the formula).

    Never falls with any amount of work; divided by the work it never rises, which bounds of the search rest on.

    Parameters
    ----------
    kernel
        Floor, efficiencies and what depends on size.
    work
        What is asked of it.
    bandwidth_bytes_per_s, peak_flops_per_s
        Peaks of the tier that holds the data and of the precision computed in.

    Returns
    -------
    float or ndarray
        Seconds, without collectives.

    Examples
    --------
    8 GB at 4 TB/s and 50 % MBU, no floor:

    >>> from placer.catalog.kernel import KernelModel
    >>> kernel = KernelModel(family="gemm", floor="0 us", mbu=0.5, mfu=1.0)
    >>> float(kernel_time_s(kernel, Work(8e9, 0.0), bandwidth_bytes_per_s=4e12, peak_flops_per_s=1e15))
    0.004
    """
    flops = work.flops + kernel.tile * work.tile_flops + kernel.per_score * work.scores
    streaming = work.read_bytes / (kernel.mbu * bandwidth_bytes_per_s)
    computing = flops / (kernel.mfu * peak_flops_per_s)
    slower: Floats = _p_norm(streaming, computing, kernel.sharpness)
    fixed = work.launches * kernel.floor + kernel.depth * work.depth + kernel.per_expert * work.experts
    fixed = fixed + kernel.handling / bandwidth_bytes_per_s * work.handled_bytes
    if kernel.ramp:
        fixed = fixed + kernel.ramp * (work.read_bytes / (work.read_bytes + kernel.ramp_bytes))
    return fixed + slower


def _p_norm(first: Floats, second: Floats, power: float | None) -> Floats:
    """Return ``(a^p + b^p)^(1/p)``, the larger where ``power`` is None."""
    larger: Floats = np.maximum(first, second)
    if power is None:
        return larger
    ratio = np.minimum(first, second) / np.maximum(larger, np.finfo(np.float64).tiny)
    smooth: Floats = larger * (1.0 + ratio**power) ** (1.0 / power)
    return smooth
