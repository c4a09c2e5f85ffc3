"""The rank that keeps sessions: devices and links of a fleet, and as few of them as hold a session."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.fleet import Fleet, Pool
from placer.catalog.loader import fleet_with
from placer.cost.group import build_group
from placer.cost.shape import GroupShape
from placer.errors import InputError, nearest_hint
from placer.graph.model_graph import ModelGraph
from placer.kv.rank import Rank
from placer.model.precision import WeightFormat


@dataclass(frozen=True)
class Degrees:
    """Devices of a rank, None for as few as hold a session, and data-parallel ranks that share the experts."""

    tp: int | None = None
    dp: int = 1


def find_pool(device: str, fleet: Fleet | None) -> tuple[Fleet, Pool]:
    """Return the pool of a device, in a fleet or in the smallest one of the catalog that has it.

    Raises
    ------
    InputError
        If there is none.
    """
    name = device.replace("_", "-")
    fleet = fleet or fleet_with(name)
    for pool in fleet.pools:
        if pool.device == name:
            return fleet, pool
    known = sorted({pool.device for pool in fleet.pools})
    raise InputError(f'fleet {fleet.name} has no device "{name}"{nearest_hint(name, known)}', where="device")


def build_rank(fleet: Fleet, pool: Pool, models: tuple[ModelGraph, ...], degrees: Degrees, context: int) -> Rank:
    """Return the rank; where its devices are not given, the least power of two of a domain that holds a session.

    Raises
    ------
    InputError
        If the device cannot hold the models' formats, a degree is out of range, or no domain holds a session.
    """
    _check_formats(fleet, pool, models)
    if degrees.dp < 1 or (degrees.tp is not None and degrees.tp < 1):
        raise InputError(f"expected at least one device, got tp {degrees.tp} and dp {degrees.dp}", where="--tp")
    if degrees.tp is not None:
        return _rank(fleet, pool, models, (degrees.tp, degrees.dp))
    tp = 1
    while tp <= pool.domain:
        rank = _rank(fleet, pool, models, (tp, degrees.dp))
        if rank.room_bytes() >= max(1, rank.device_bytes(context)):
            return rank
        tp *= 2
    raise InputError(
        f"no scale-up domain of {pool.domain} x {pool.device} holds the weights and a session of {context:,} tokens; "
        "give the devices with --tp, or narrower weights",
        where="--tp",
    )


def _rank(fleet: Fleet, pool: Pool, models: tuple[ModelGraph, ...], degrees: tuple[int, int]) -> Rank:
    tp, dp = degrees
    if tp * dp > pool.count:
        raise InputError(f"tp {tp} x dp {dp} exceeds the {pool.count} devices of pool {pool.name}", where="--tp")
    return Rank(build_group(fleet, GroupShape(pool.name, 1, tp * dp, tp, 1)), models)


def _check_formats(fleet: Fleet, pool: Pool, models: tuple[ModelGraph, ...]) -> None:
    formats: set[WeightFormat] = set()
    for model in models:
        formats |= {matrix.weight_format for node in model.nodes() for matrix in node.op.matrices}
    device = fleet.device_of(pool.name)
    for weight_format in sorted(formats):
        if device.holding(weight_format) is None:
            raise InputError(f"{device.name} cannot hold {weight_format}", where="--weights")
