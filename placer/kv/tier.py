"""Tiers that hold the KV cache of paused sessions: those of a device, and those given by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from placer.catalog.device import Device, TierRole
from placer.catalog.loader import load_tier, tier_names
from placer.catalog.source import is_estimate
from placer.errors import InputError, UnitError, clipped, nearest_hint
from placer.scenario.retention import RESERVED, RetentionTier
from placer.units import Dimension, parse_quantity

_TIER = re.compile(r"([a-z][a-z0-9_-]{0,30}):([^@]+)@([^@+]+)(?:\+(.+))?")


@dataclass(frozen=True)
class StorageTier:
    """A tier as one device sees it.

    Attributes
    ----------
    name
        What it is called.
    capacity_bytes
        Share of one device [B].
    bytes_per_s
        Rate at which one device reads from it [B/s].
    latency_s
        Before the first byte arrives [s]; the catalog knows none.
    is_estimate
        Whether its figures, as a device brings them, are guesses of the catalog.
    estimates
        Those of its own figures that are guesses, where it is a tier of the catalog.
    """

    name: str
    capacity_bytes: float
    bytes_per_s: float
    latency_s: float = 0.0
    is_estimate: bool = False
    estimates: tuple[str, ...] = ()


def parse_tier(text: str) -> StorageTier:
    """Parse a tier given by hand: ``NAME:CAPACITY@BANDWIDTH``, and ``+LATENCY`` where it is known; per device.

    Without a colon it is the name of a tier of the catalog.

    Raises
    ------
    InputError
        If it does not read so, the name is taken, or the catalog has no such tier.

    >>> tier = parse_tier("nvme:8TB@12GB/s+1ms")
    >>> tier.name, tier.capacity_bytes, tier.bytes_per_s, tier.latency_s
    ('nvme', 8000000000000.0, 12000000000.0, 0.001)
    """
    if ":" not in text:
        return _of_catalog(text.strip())
    match = _TIER.fullmatch(text.strip())
    if match is None:
        example = "expected NAME:CAPACITY@BANDWIDTH[+LATENCY] such as nvme:8TB@12GB/s+80us"
        raise InputError(f"{example}, got {clipped(text)}", where="--tier")
    name, capacity, bandwidth, latency = match.groups()
    if name in RESERVED:
        raise InputError(f'a tier cannot be called "{name}": it is no tier below HBM', where="--tier")
    try:
        rate = parse_quantity(bandwidth, Dimension.BYTES_PER_SECOND)
        size = parse_quantity(capacity, Dimension.BYTES)
        wait = parse_quantity(latency, Dimension.SECONDS) if latency else 0.0
    except UnitError as error:
        raise error.located(f"--tier {name}") from error
    if not rate:
        raise InputError("expected a bandwidth above zero", where=f"--tier {name}")
    return StorageTier(name, size, rate, wait)


def _of_catalog(name: str) -> StorageTier:
    """Return a tier of the catalog."""
    if name.casefold() not in tier_names():
        example = "expected NAME:CAPACITY@BANDWIDTH[+LATENCY] such as nvme:8TB@12GB/s+80us, or a tier of `placer tiers`"
        raise InputError(f"{example}; got {clipped(name)}{nearest_hint(name, tier_names())}", where="--tier")
    tier = load_tier(name)
    return StorageTier(tier.name, tier.capacity, tier.bandwidth, tier.latency, estimates=tier.estimates())


def storage_tier(tier: RetentionTier) -> StorageTier:
    """Return a tier of a scenario as `tiers_of` takes it."""
    return StorageTier(tier.name, tier.capacity, tier.bandwidth, tier.latency, estimates=tier.estimates)


def tiers_of(device: Device, given: Iterable[StorageTier] = ()) -> tuple[StorageTier, ...]:
    """Return the tiers of a device that ops do not run from, and those given; one given replaces its namesake."""
    tiers = {
        str(tier.tier): StorageTier(
            str(tier.tier),
            tier.capacity,
            tier.bandwidth,
            is_estimate=is_estimate(f"memory.{tier.tier}", device.sources),
        )
        for tier in device.memory
        if tier.role is TierRole.OFFLOAD
    }
    return tuple({**tiers, **{tier.name: tier for tier in given}}.values())
