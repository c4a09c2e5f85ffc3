"""Time of one kernel on one device (physics A1)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from placer.catalog.device import KernelModel

Floats = TypeVar("Floats", float, NDArray[np.float64])


def kernel_time_s(
    kernel: KernelModel,
    launches: int,
    read_bytes: Floats,
    flops: Floats,
    *,
    bandwidth_bytes_per_s: float,
    peak_flops_per_s: float,
) -> Floats:
    """Return the time of one op on one device.

    A device streams or computes, the slower decides; every dependent launch pays the floor:
    ``launches * floor + max(bytes / (mbu * W), flops / (mfu * F))`` (physics A1).

    Parameters
    ----------
    kernel
        Floor and efficiencies.
    launches
        Dependent kernels in the op.
    read_bytes
        Bytes this shard reads: weights plus KV cache [B]; a number or an array.
    flops
        Work of this shard, a multiply-add counts two [FLOP]; a number or an array.
    bandwidth_bytes_per_s, peak_flops_per_s
        Peaks of the tier that holds the data and of the precision computed in.

    Returns
    -------
    float or ndarray
        Seconds, without collectives.

    Examples
    --------
    8 GB at 4 TB/s and 50 % MBU, no floor:

    >>> from placer.catalog.device import KernelModel
    >>> kernel = KernelModel(family="gemm", floor="0 us", mbu=0.5, mfu=1.0)
    >>> float(kernel_time_s(kernel, 1, 8e9, 0.0, bandwidth_bytes_per_s=4e12, peak_flops_per_s=1e15))
    0.004
    """
    streaming = read_bytes / (kernel.mbu * bandwidth_bytes_per_s)
    computing = flops / (kernel.mfu * peak_flops_per_s)
    slower: Floats = np.maximum(streaming, computing)
    return launches * kernel.floor + slower
