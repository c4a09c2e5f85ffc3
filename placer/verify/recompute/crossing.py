"""Hops: between the two groups of a replica, and between stages of one group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from placer.catalog.fleet import Fleet
from placer.catalog.link import Duplex
from placer.cost.collective import hop_s
from placer.plan.placement import Role
from placer.verify.recompute.group import Group


@dataclass(frozen=True)
class Crossing:
    """The link between host and sidecar.

    Attributes
    ----------
    latency_s
        One way.
    side_bytes_per_s
        What the ``d`` devices of a stage of either group send, and receive, together.
    duplex
        Whether both directions have that at once.
    """

    latency_s: float
    side_bytes_per_s: Mapping[Role, float]
    duplex: Duplex

    def hop_s(self, message_bytes: float) -> float:
        """Return latency plus bytes over the bandwidth of the narrower side."""
        return float(hop_s(self.latency_s, min(self.side_bytes_per_s.values()), message_bytes))


def crossing_of(groups: Mapping[Role, Group], fleet: Fleet) -> Crossing | None:
    """Return how the groups of a replica are joined; None for a single group, or two that are not."""
    if len(groups) != 2:
        return None
    host, sidecar = groups[Role.HOST].shape.pool, groups[Role.SIDECAR].shape.pool
    cross = fleet.cross_link(host, sidecar)
    if cross is None:
        return None
    link = fleet.link_types[cross.link]
    sides = {
        role: fleet.port_bytes_per_s(cross, group.shape.pool) * group.shape.width for role, group in groups.items()
    }
    return Crossing(link.latency, sides, link.duplex)


def stage_hop_s(group: Group, message_bytes: float) -> float:
    """Return the time from one stage to the next: latency plus bytes over ``d`` links."""
    link = group.between_stages
    return float(hop_s(link.latency, link.effective_bytes_per_s * group.shape.width, message_bytes))
