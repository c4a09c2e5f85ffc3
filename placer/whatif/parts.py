"""A scenario with one device or link changed, for one pool or one place, and the change on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from placer.catalog.device import Device
from placer.catalog.fleet import CrossLink, Fleet, Pool
from placer.catalog.link import Link
from placer.catalog.source import Source, SourceKind
from placer.scenario.scenario import Scenario

#: Citation of every changed figure: plans list it among their estimates.
CHANGED = "changed to ask what if"


def with_device(
    scenario: Scenario, pool: str, figures: tuple[str, ...], change: Callable[[Device], Device]
) -> Scenario:
    """Return a scenario in which the devices of one pool are others; those of other pools stay as they are.

    Parameters
    ----------
    scenario, pool
        Whose devices change.
    figures
        What changes, as `Device.figures` and prices are called.
    change
        Returns the other device.
    """
    fleet = scenario.fleet
    before = fleet.device_of(pool)
    after = change(before)
    after = after.model_copy(update={"sources": (_changed(figures), *before.sources)})
    kind = fleet.pool(pool).device
    if any(other.device == kind for other in fleet.pools if other.name != pool):
        kind = f"{kind}-of-{pool}"
        after = after.model_copy(update={"name": kind})
    pools = tuple(_with_kind(one, kind) if one.name == pool else one for one in fleet.pools)
    return _with_fleet(scenario, pools=pools, devices={**fleet.devices, kind: after})


def _with_kind(pool: Pool, kind: str) -> Pool:
    return pool if pool.device == kind else pool.model_copy(update={"device": kind})


@dataclass(frozen=True)
class Place:
    """Where a link is used: inside the domains of a pool, between them, or between two pools."""

    pools: tuple[str, ...]
    side: str = ""

    @property
    def label(self) -> str:
        """Name on the command line, such as ``rubin.scale_up`` or ``rubin~lpx``."""
        return f"{self.pools[0]}.{self.side}" if self.side else "~".join(self.pools)

    @property
    def title(self) -> str:
        """Name for people."""
        if not self.side:
            return f"between {self.pools[0]} and {self.pools[1]}"
        return f"inside {self.pools[0]}" if self.side == "scale_up" else f"between domains of {self.pools[0]}"


def places_of(fleet: Fleet) -> tuple[Place, ...]:
    """Return where a fleet has links."""
    inner = [
        Place((pool.name,), side)
        for pool in fleet.pools
        for side in ("scale_up", "scale_out")
        if getattr(pool, side) is not None
    ]
    return (*inner, *(Place(cross.between) for cross in fleet.links))


def link_name(fleet: Fleet, place: Place) -> str:
    """Return the kind of link at a place."""
    if place.side:
        return str(getattr(fleet.pool(place.pools[0]), place.side))
    return cross_at(fleet, place).link


def cross_at(fleet: Fleet, place: Place) -> CrossLink:
    """Return the link between two pools."""
    return next(cross for cross in fleet.links if cross.between == place.pools)


def with_link(
    scenario: Scenario,
    place: Place,
    figures: tuple[str, ...],
    change: Callable[[Link], Link],
    port_factor: float = 1.0,
) -> Scenario:
    """Return a scenario with another link at one place; links of that kind elsewhere stay as they are.

    Parameters
    ----------
    scenario, place
        Which link changes.
    figures
        What changes, as `Link` fields are called.
    change
        Returns the other link.
    port_factor
        Multiplies the bandwidths that the fleet states for single pools.
    """
    fleet = scenario.fleet
    kind = link_name(fleet, place)
    before = fleet.link_types[kind]
    after = change(before).model_copy(update={"sources": (_changed(figures), *before.sources)})
    if sum(link_name(fleet, other) == kind for other in places_of(fleet)) > 1:
        kind = f"{kind}-at-{place.label}"
        after = after.model_copy(update={"name": kind})
    types = {**fleet.link_types, kind: after}
    if place.side:
        pools = tuple(
            pool.model_copy(update={place.side: kind}) if pool.name == place.pools[0] else pool for pool in fleet.pools
        )
        return _with_fleet(scenario, pools=pools, link_types=types)
    links = tuple(
        _with_cross(cross, kind, port_factor) if cross.between == place.pools else cross for cross in fleet.links
    )
    return _with_fleet(scenario, links=links, link_types=types)


def _with_cross(cross: CrossLink, kind: str, port_factor: float) -> CrossLink:
    ports = {pool: rate * port_factor for pool, rate in cross.bandwidth.items()}
    return cross.model_copy(update={"link": kind, "bandwidth": ports})


def _with_fleet(scenario: Scenario, **changes: object) -> Scenario:
    return scenario.model_copy(update={"fleet": scenario.fleet.model_copy(update=changes)})


def _changed(figures: tuple[str, ...]) -> Source:
    return Source(covers=figures, kind=SourceKind.ESTIMATE, cite=CHANGED)
