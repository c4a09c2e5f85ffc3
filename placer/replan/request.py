"""What is asked of re-placement."""

from __future__ import annotations

from dataclasses import dataclass, field

from placer.plan.replanning import STORAGE_BYTES_PER_S, Shares
from placer.replan.devices import Device
from placer.replan.drift import Drift
from placer.replan.few_moves import Effort
from placer.replan.order import Relief


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes
    ----------
    drift
        Routing to balance for.
    has_new_routing
        Whether it is another than the plan's: then all stages are dealt anew, else those with other ranks only.
    lost, added
        Devices that are gone, and that join.
    max_move_bytes
        Most bytes that may move in a replica; None: no limit.
    storage_bytes_per_s
        What a device reads from storage [B/s].
    relief, effort
        How circles are broken, and how hard to search.
    shares
        How the tokens of an expert are split over its copies.
    """

    drift: Drift
    has_new_routing: bool
    lost: tuple[Device, ...] = ()
    added: tuple[Device, ...] = ()
    max_move_bytes: float | None = None
    storage_bytes_per_s: float = STORAGE_BYTES_PER_S
    relief: Relief = Relief.BUFFER
    effort: Effort = field(default_factory=Effort)
    shares: Shares = Shares.WEIGHTED
