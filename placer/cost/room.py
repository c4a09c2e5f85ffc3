"""Room on a device that has weights in one memory tier and KV cache in another.

The search knows one measure of room per device: bytes. Where a device is split, a layer takes the larger of its two
shares, that of the compute tier its weights fill and that of the cache tier its KV cache fills, told in bytes of the
compute tier. Layers of a stage that fit by this measure fit both tiers; the declared space has no others
(``docs/method.md``, section 3).
"""

from __future__ import annotations

import numpy as np

from placer.catalog.device import Device
from placer.cost.group import Array
from placer.cost.op_time import Floats


def exchange_rate(device: Device) -> float:
    """Return bytes of the compute tier that stand for one of the cache tier; 0 where both are one.

    A tier with no room at all for a cache trades at its whole usable size for a byte, which then never fits.
    """
    return device.usable_bytes / max(1, device.usable_cache_bytes) if device.is_split else 0.0


def taken(weights: Array, cached: Array, rate: float) -> Array:
    """Return the room that a part of the model takes on a device.

    Parameters
    ----------
    weights, cached
        Bytes of weights; of KV cache, activations and buffers [B].
    rate
        As `exchange_rate` gives it.

    Examples
    --------
    >>> taken(np.array([30.0]), np.array([4.0]), 0.0), taken(np.array([30.0]), np.array([4.0]), 10.0)
    (array([34.]), array([40.]))
    """
    return np.maximum(weights, rate * cached) if rate else weights + cached


def alone(cached: Floats, rate: float) -> Floats:
    """Return the room that KV cache, activations and buffers take by themselves [B]."""
    return rate * cached if rate else cached
