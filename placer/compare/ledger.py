"""Who sends what to whom: shards that are not where they are wanted, from the nearest device that has them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from placer.catalog.device import Device as Kind
from placer.catalog.fleet import Fleet
from placer.catalog.link import Duplex, Link
from placer.compare.sites import Device
from placer.graph.op import Op
from placer.plan.moving import Route, Transfer
from placer.plan.replanning import STORAGE, STORAGE_BYTES_PER_S
from placer.verify.recompute.weights import held

#: A device and the shard of an op it holds or wants: rank, and of how many.
Shard = tuple[Device, int, int]
#: Weights that are cut alike: stored format, and into how many parts they can be cut at most.
Class = tuple[str, int]
Interval = tuple[float, float]
#: Candidates looked at for one transfer.
_SAMPLE = 4


def classes_of(ops: Iterable[Op], kind: Kind) -> dict[Class, float]:
    """Return the bytes of ops as a kind of device stores them, by how they are cut [B]."""
    found: defaultdict[Class, float] = defaultdict(float)
    for op in ops:
        for matrix in op.matrices:
            stored, _ = held(Op(op.kind, (matrix,)), kind)
            found[str(stored), matrix.max_shards] += matrix.stored_bytes(stored)
        vectors = sum(vector.elements * vector.element_bytes for vector in op.vectors)
        if vectors:
            found["vectors", 1] += vectors
    return found


def interval(rank: int, ranks: int, most: int) -> Interval:
    """Return the part of a matrix that a rank holds, as shares from 0 to 1.

    Beyond ``most`` parts it is replicated; neighbours hold the same part.

    >>> interval(1, 2, 8), interval(3, 4, 2), interval(5, 8, 1)
    ((0.5, 1.0), (0.5, 1.0), (0.0, 1.0))
    """
    parts = min(ranks, most)
    part = rank * parts // ranks
    # Correctly rounded quotients of equal fractions are equal, so intervals of different cuts meet exactly.
    return part / parts, (part + 1) / parts


@dataclass(frozen=True)
class Path:
    """How two devices are joined: the link, and what each of them sends or takes over it [B/s]."""

    name: str
    link: Link
    source_bytes_per_s: float
    target_bytes_per_s: float


class Wiring:
    """The links of a fleet, between devices by number."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._domains = {pool.name: pool.domain for pool in fleet.pools}
        self._paths: dict[tuple[str, str, bool], Path | None] = {}

    def domain(self, device: Device) -> int:
        """Return the number of the scale-up domain of a device."""
        return device[1] // self._domains[device[0]]

    def path(self, source: Device, target: Device) -> Path | None:
        """Return how two devices are joined; None where they are not."""
        is_near = source[0] == target[0] and self.domain(source) == self.domain(target)
        key = (source[0], target[0], is_near)
        if key not in self._paths:
            self._paths[key] = self._joined(*key)
        return self._paths[key]

    def _joined(self, source: str, target: str, is_near: bool) -> Path | None:  # noqa: FBT001 part of the key
        if source == target:
            up, out = self.fleet.inner_links(source)
            link = up if is_near else out
            if link is None:
                return None
            return Path(link.name, link, link.effective_bytes_per_s, link.effective_bytes_per_s)
        cross = self.fleet.cross_link(source, target)
        if cross is None:
            return None
        rates = (self.fleet.port_bytes_per_s(cross, pool) for pool in (source, target))
        return Path(cross.link, self.fleet.link_types[cross.link], *rates)


class Ledger:
    """Transfers so far, and how long ports are busy with them."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self.kept_bytes = 0.0
        self._moved: defaultdict[tuple[Device | None, Device], float] = defaultdict(float)
        self._sent: defaultdict[Device, float] = defaultdict(float)
        self.received: defaultdict[Device, float] = defaultdict(float)
        self._turn = 0

    def take(self, size: float, held: dict[Device, list[Interval]], wanted: dict[Device, Interval]) -> None:
        """Book what of some weights has to move.

        Parameters
        ----------
        size
            Bytes of all parts together [B].
        held, wanted
            The parts devices hold, and those they have to hold.
        """
        near = _Holders(held, self._wiring)
        for device, (low, high) in wanted.items():
            for start, end in _missing((low, high), held.get(device, ())):
                self._fetch(device, (start, end), size, near)
                self.kept_bytes -= (end - start) * size
            self.kept_bytes += (high - low) * size

    def from_storage(self, device: Device, size: float) -> None:
        """Book bytes that only storage has."""
        self._book(None, device, size)

    def keep(self, size: float) -> None:
        """Book bytes that are where they are wanted."""
        self.kept_bytes += size

    def _fetch(self, device: Device, missing: Interval, size: float, near: _Holders) -> None:
        at, end = missing
        while at < end:
            found = self._source(device, at, near)
            until = min(end, near.next_begin(at) if found is None else found[1])
            self._book(None if found is None else found[0], device, (until - at) * size)
            at = until

    def _source(self, device: Device, at: float, near: _Holders) -> tuple[Device, float] | None:
        """Return a device that holds what begins at a place, and where its part ends."""
        for candidates, end in near.levels(device, at):
            count = len(candidates)
            self._turn += 1
            sample = [candidates[(self._turn + step) % count] for step in range(min(_SAMPLE, count))]
            return min(sample, key=lambda each: self._sent[each]), end
        return None

    def _book(self, source: Device | None, target: Device, size: float) -> None:
        self._moved[source, target] += size
        self.received[target] += size
        if source is not None:
            self._sent[source] += size

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """All transfers, by pair of devices."""
        return tuple(
            Transfer(
                source=STORAGE if source is None else _name(source),
                target=_name(target),
                link=STORAGE if source is None else self._path(source, target).name,
                bytes=math.ceil(size - 1e-6),
            )
            for (source, target), size in sorted(self._moved.items(), key=_in_order)
        )

    @property
    def moved_bytes(self) -> float:
        """Bytes of all transfers."""
        return sum(self._moved.values())

    @property
    def storage_bytes(self) -> float:
        """Bytes that come from storage."""
        return sum(size for (source, _), size in self._moved.items() if source is None)

    def routes(self) -> tuple[Route, ...]:
        """Return the transfers by pools and link, and how long the busiest port of each is busy."""
        sizes: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        targets: defaultdict[tuple[str, str, str], set[Device]] = defaultdict(set)
        ports: defaultdict[tuple[str, str, str], defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (source, target), size in sorted(self._moved.items(), key=_in_order):
            key = (STORAGE, target[0], STORAGE)
            if source is not None:
                key = (source[0], target[0], self._path(source, target).name)
            sizes[key] += size
            targets[key].add(target)
            for port, seconds in self._ports(source, target, size):
                ports[key][port] += seconds
        return tuple(
            Route(
                source=key[0],
                target=key[1],
                link=key[2],
                devices=len(targets[key]),
                bytes=math.ceil(size - 1e-6),
                busiest_s=max(ports[key].values()),
            )
            for key, size in sizes.items()
        )

    def busiest(self) -> tuple[str, float]:
        """Return the port that is busy longest, and for how long, latencies left out [s]."""
        ports: defaultdict[str, float] = defaultdict(float)
        for (source, target), size in sorted(self._moved.items(), key=_in_order):
            for port, seconds in self._ports(source, target, size):
                ports[port] += seconds
        port = max(ports, key=lambda each: ports[each], default="")
        return port, ports[port] if port else 0.0

    def _ports(self, source: Device | None, target: Device, size: float) -> Iterator[tuple[str, float]]:
        """Yield the ports a transfer takes, and for how long."""
        if source is None:
            yield f"{_name(target)} from {STORAGE}", size / STORAGE_BYTES_PER_S
            return
        path = self._path(source, target)
        out, back = (" ", " ") if path.link.duplex is Duplex.HALF else (" out over ", " in over ")
        yield f"{_name(source)}{out}{path.name}", size / path.source_bytes_per_s
        yield f"{_name(target)}{back}{path.name}", size / path.target_bytes_per_s

    def _path(self, source: Device, target: Device) -> Path:
        path = self._wiring.path(source, target)
        assert path is not None
        return path


class _Holders:
    """Devices by the part they hold, near ones first."""

    def __init__(self, held: dict[Device, list[Interval]], wiring: Wiring) -> None:
        self._wiring = wiring
        self._inside: defaultdict[tuple[str, int], dict[Interval, list[Device]]] = defaultdict(dict)
        self._pool: defaultdict[str, dict[Interval, list[Device]]] = defaultdict(dict)
        for device, parts in held.items():
            for part in parts:
                self._inside[device[0], wiring.domain(device)].setdefault(part, []).append(device)
                self._pool[device[0]].setdefault(part, []).append(device)

    def next_begin(self, at: float) -> float:
        """Return where the next part begins that any device holds; infinity where there is none."""
        begins = (low for parts in self._pool.values() for low, _ in parts if low > at)
        return min(begins, default=math.inf)

    def levels(self, device: Device, at: float) -> Iterator[tuple[list[Device], float]]:
        """Yield devices that hold what begins at a place, and where their part ends: domain, pool, other pools."""
        places = [self._inside.get((device[0], self._wiring.domain(device)), {}), self._pool.get(device[0], {})]
        places += [parts for pool, parts in self._pool.items() if pool != device[0]]
        for parts in places:
            for (low, high), devices in parts.items():
                if low <= at < high and self._wiring.path(devices[0], device) is not None:
                    yield devices, high


def _missing(wanted: Interval, held: Iterable[Interval]) -> list[Interval]:
    """Return what of an interval none of some others covers."""
    at, end = wanted
    found = []
    for low, high in sorted(held):
        if high > at and low < end:
            if low > at:
                found.append((at, low))
            at = max(at, high)
    return [*found, (at, end)] if at < end else found


def _name(device: Device) -> str:
    return f"{device[0]}[{device[1]}]"


def _in_order(entry: tuple[tuple[Device | None, Device], float]) -> tuple[Device, Device]:
    (source, target), _ = entry
    return target, source or ("", -1)
