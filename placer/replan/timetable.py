"""When every step happens: links in series by device.

A device sends one expert at a time over a link, and receives one at a time; both at once only where the link is full
duplex. Steps keep their order on every device; steps of different devices overlap. All devices of a rank that is cut
move their shards side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from placer.catalog.link import Duplex, Link
from placer.errors import InternalError
from placer.plan.replanning import STORAGE, TimedStep
from placer.replan.order import Action, Step


@dataclass(frozen=True)
class Wires:
    """How the ranks of a stage are joined.

    Attributes
    ----------
    names, domains
        By rank: first device, and scale-up domain.
    up, out
        Links inside and between domains.
    storage_bytes_per_s
        What a device reads from storage [B/s].
    """

    names: tuple[str, ...]
    domains: tuple[int, ...]
    up: Link | None
    out: Link | None
    storage_bytes_per_s: float

    def between(self, source: int, rank: int) -> Link:
        """Return the link between two ranks."""
        link = self.up if self.domains[source] == self.domains[rank] else self.out
        if link is None:
            raise InternalError(f"nothing joins {self.names[source]} and {self.names[rank]}")
        return link


@dataclass(frozen=True)
class LayerSteps:
    """Steps of one layer: experts by their number in the model, bytes of a rank and of each of its devices."""

    layer: int
    steps: Sequence[Step]
    expert_bytes: int
    device_bytes: float


class Timetable:
    """Ports and places, and until when they are taken."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self._port: defaultdict[tuple[object, ...], float] = defaultdict(float)
        self._free: defaultdict[tuple[int, int], float] = defaultdict(float)
        self._there: defaultdict[tuple[int, int], dict[int, float]] = defaultdict(dict)
        self._busy: defaultdict[tuple[int, int, int], float] = defaultdict(float)

    def timed(self, of: LayerSteps) -> list[TimedStep]:
        """Return the steps of a layer with their times, after those of layers before it."""
        return [self._transfer(of, step) if _is_transfer(step) else self._local(of, step) for step in of.steps]

    def _transfer(self, of: LayerSteps, step: Step) -> TimedStep:
        seconds, link, ports = self._way(of, step)
        start = max(self._port[port] for port in ports)
        if step.action is Action.COPY:
            start = max(start, self._free[of.layer, step.rank])
        if step.source is not None:
            start = max(start, self._there[of.layer, step.expert].get(step.source, 0.0))
        end = start + seconds
        for port in ports:
            self._port[port] = end
        self._there[of.layer, step.expert][step.rank] = end
        if step.source is not None:
            sender = (of.layer, step.source, step.expert)
            self._busy[sender] = max(self._busy[sender], end)
        source = STORAGE if step.source is None else self._wires.names[step.source]
        return self._step(of, step, (start, end)).model_copy(
            update={"source": source, "link": link, "bytes": of.expert_bytes}
        )

    def _way(self, of: LayerSteps, step: Step) -> tuple[float, str, tuple[tuple[object, ...], ...]]:
        """Return how long a transfer takes, over what, and the ports it takes."""
        if step.source is None:
            return of.device_bytes / self._wires.storage_bytes_per_s, STORAGE, ((STORAGE, step.rank),)
        link = self._wires.between(step.source, step.rank)
        seconds = link.latency + of.device_bytes / link.effective_bytes_per_s
        out, back = ("port", "port") if link.duplex is Duplex.HALF else ("out", "in")
        return seconds, link.name, ((link.name, step.source, out), (link.name, step.rank, back))

    def _local(self, of: LayerSteps, step: Step) -> TimedStep:
        """Evict once the copy was sent on and another one is there; settle once a slot is free."""
        spot = (of.layer, step.rank, step.expert)
        arrivals = self._there[of.layer, step.expert]
        at = max(arrivals.get(step.rank, 0.0), self._busy[spot])
        if step.action is Action.EVICT:
            others = [time for rank, time in arrivals.items() if rank != step.rank]
            at = max(at, min(others, default=0.0))
            self._free[of.layer, step.rank] = max(self._free[of.layer, step.rank], at)
        else:
            at = max(at, self._free[of.layer, step.rank])
        return self._step(of, step, (at, at))

    def _step(self, of: LayerSteps, step: Step, times: tuple[float, float]) -> TimedStep:
        return TimedStep(
            layer=of.layer,
            action=str(step.action),
            expert=step.expert,
            target=self._wires.names[step.rank],
            start_s=times[0],
            end_s=times[1],
        )


def _is_transfer(step: Step) -> bool:
    return step.action in {Action.COPY, Action.STAGE}
