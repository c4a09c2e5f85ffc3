"""One place where paused sessions wait: its tiers stage by stage, what they hold and bring back, and the decision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from placer.plan.paused import Decision, Kept, PausedSessions, Place
from placer.plan.placement import Role
from placer.scenario.retention import RetentionTier
from placer.scenario.sessions import Sessions
from placer.verify.compare import EXACT, Figure, mismatch
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.flow import Place as Stage
from placer.verify.recompute.paused import HeldBy, session_pages, tiers_below

NAME = "paused"
#: Whole numbers that follow from floats: either side of one.
_NOISE = 1e-9


@dataclass(frozen=True)
class Pausing:
    """What the checks of places look at.

    Attributes
    ----------
    context, sessions, stated
        The plan, its workload's sessions, and what it says of those that pause.
    held
        What every stage keeps of a session.
    recompute_s
        Time to compute one again [s].
    """

    context: Context
    sessions: Sessions
    stated: PausedSessions
    held: Mapping[Stage, HeldBy]
    recompute_s: float

    @cached_property
    def below(self) -> dict[Role, list[RetentionTier]]:
        """Tiers below, by group that keeps something; as many of each as all of them have."""
        found = {role: tiers_below(self.context, self.context.groups[role]) for role, _ in self.held}
        depth = min(map(len, found.values()))
        return {role: tiers[:depth] for role, tiers in found.items()}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the places, in order."""
        at_hand = [str(self.context.groups[role].device.cache_tier.tier) for role in self.below]
        levels = zip(*self.below.values(), strict=True)
        below = ("+".join(dict.fromkeys(tier.name for tier in tiers)) for tiers in levels)
        return ("+".join(dict.fromkeys(at_hand)), *below, "recompute")

    def cost_s(self, back_s: float) -> float:
        """Return what a pause costs where a session is back after some time [s]."""
        returns = (self.sessions.turns - 1) / self.sessions.turns
        hit = self.sessions.prefix_hit_rate
        return returns * (hit * back_s + (1.0 - hit) * self.recompute_s)

    def cost_usd(self, seconds: float) -> float:
        """Return the rent of a data-parallel rank for some time [USD]."""
        ranks = max(self.context.groups[role].data_ranks for role in self.below) * len(self.context.placement.replicas)
        return seconds / 3600.0 * self.context.metrics.usd_per_hour / ranks


def stage_names(stages: Iterable[Stage]) -> str:
    """Return stages as people read them."""
    return ", ".join(f"{role} stage {stage}" for role, stage in stages) or "none"


def check_place(pausing: Pausing, index: int, place: Place) -> Iterator[Finding]:
    """Yield what is wrong with one of the places; ``index`` counts them."""
    where = f"paused.places[{place.name}]"
    is_nowhere = index >= len(pausing.names) - 1
    order = [] if is_nowhere else list(pausing.held)
    stages = [(kept.role, kept.stage) for kept in place.kept]
    if stages != order:
        message = "not the stages that keep something, in order"
        yield _finding(f"{where}.kept", message, stage_names(order), stage_names(stages))
        return
    for kept in place.kept:
        yield from _check_kept(pausing, (place, kept), None if index == 0 else pausing.below[kept.role][index - 1])
    back_s = pausing.recompute_s if is_nowhere else max(kept.reload_s for kept in place.kept)
    yield from _check_decision(pausing, place, (index, is_nowhere))
    yield from _check_limit(pausing, place)
    cost_s = pausing.cost_s(back_s)
    hit = place.sessions / max(1, pausing.stated.sessions) * pausing.sessions.prefix_hit_rate
    for name, stated, exact, unit in (
        ("resume_s", place.resume_s, back_s, "s"),
        ("cost_s", place.cost_s, cost_s, "s"),
        ("cost_usd", place.cost_usd, pausing.cost_usd(cost_s), "USD"),
        ("hit_rate", place.hit_rate, 0.0 if is_nowhere else hit, ""),
    ):
        yield from mismatch(NAME, Figure(f"{where}.{name}", stated, exact, unit), EXACT)


def _finding(where: str, message: str, expected: object, found: object) -> Finding:
    return Finding(check=NAME, where=where, message=message, expected=str(expected), found=str(found))


def _check_decision(pausing: Pausing, place: Place, at: tuple[int, bool]) -> Iterator[Finding]:
    """Yield the slower of reload and recompute; where both take as long, either is right."""
    index, is_nowhere = at
    allowed = {Decision.RECOMPUTE} if is_nowhere else {Decision.STAY}
    if index and not is_nowhere:
        reload_s = max(kept.reload_s for kept in place.kept)
        allowed = {Decision.RELOAD} if reload_s <= pausing.recompute_s * (1 + _NOISE) else set()
        allowed |= {Decision.RECOMPUTE} if reload_s >= pausing.recompute_s * (1 - _NOISE) else set()
    if place.decision not in allowed:
        expected = " or ".join(sorted(allowed))
        yield _finding(f"paused.places[{place.name}].decision", "not what is faster", expected, place.decision)


def _check_limit(pausing: Pausing, place: Place) -> Iterator[Finding]:
    """Yield a limit that is not the least of the stages', and sessions beyond it."""
    replicas = len(pausing.context.placement.replicas)
    limits = []
    for kept in place.kept:
        fits = kept.capacity_sessions
        fits = fits if kept.traffic_sessions is None else min(fits, kept.traffic_sessions)
        limits.append(replicas * pausing.context.groups[kept.role].data_ranks * fits)
    limit = min(limits, default=None)
    if place.limit != limit:
        message = "not what the stage with least room holds and brings back"
        yield _finding(f"paused.places[{place.name}].limit", message, limit, place.limit)
    if limit is not None and place.sessions > limit:
        yield _finding(f"paused.places[{place.name}].sessions", "more than fit", f"at most {limit}", place.sessions)


def _check_kept(pausing: Pausing, of: tuple[Place, Kept], tier: RetentionTier | None) -> Iterator[Finding]:
    """Yield what is wrong with a stage's share; ``tier`` is None for the tier ops run from."""
    place, kept = of
    where = f"paused.places[{place.name}].kept[{kept.role} stage {kept.stage}]"
    group, held = pausing.context.groups[kept.role], pausing.held[kept.role, kept.stage]
    ranks = len(pausing.context.placement.replicas) * group.data_ranks
    compression, compute = pausing.sessions.compression, group.device.cache_tier
    name, room = (str(compute.tier), max(0.0, held.free)) if tier is None else (tier.name, tier.capacity)
    session = held.device if tier is None else held.whole / (group.shape.tp * compression)
    read_s = 0.0 if tier is None else held.device / (compression * tier.bandwidth)
    latency_s = 0.0 if tier is None else tier.latency
    mine = math.ceil(place.sessions / ranks)
    for field, exact in (
        ("tier", name),
        ("sessions", mine),
        ("held_tokens", mine * session_pages(pausing.context, group)),
    ):
        if getattr(kept, field) != exact:
            yield _finding(f"{where}.{field}", "wrong", exact, getattr(kept, field))
    for field, value, unit in (
        ("session_bytes", session, "B"),
        ("held_bytes", mine * session, "B"),
        ("reload_s", latency_s + read_s, "s"),
    ):
        yield from mismatch(NAME, Figure(f"{where}.{field}", getattr(kept, field), value, unit), EXACT)
    slack = _slack(room, 2.0 if tier is None else 0.0)
    if abs(kept.room_bytes - room) > slack:
        yield _finding(f"{where}.room_bytes", "not what the tier has for sessions", f"{room:.0f} B", kept.room_bytes)
    yield from _check_whole(f"{where}.capacity_sessions", kept.capacity_sessions, (room / session, slack / session))
    reuse = (pausing.sessions.turns - 1) / pausing.sessions.turns * pausing.sessions.prefix_hit_rate
    serves = pausing.sessions.think_time / (reuse * read_s) if reuse * read_s else None
    bounds = None if serves is None else (serves, _slack(serves))
    yield from _check_whole(f"{where}.traffic_sessions", kept.traffic_sessions, bounds)
    even = None if tier is None else (held.device / compression, pausing.recompute_s - latency_s)
    yield from _check_break_even(where, kept, even)


def _slack(value: float, absolute: float = 0.0) -> float:
    return absolute + _NOISE * value


def _check_whole(where: str, stated: int | None, exact: tuple[float, float] | None) -> Iterator[Finding]:
    """Yield a number that is not the exact one rounded down, but for noise; None goes with None."""
    if exact is None or stated is None:
        if exact is not None or stated is not None:
            yield _finding(where, "a limit is lacking, or made up", exact and math.floor(exact[0]), stated)
        return
    value, slack = exact
    if not math.floor(max(0.0, value - slack)) <= stated <= math.floor(value + slack):
        yield _finding(where, "not what fits or is brought back in time", math.floor(value), stated)


def _check_break_even(where: str, kept: Kept, exact: tuple[float, float] | None) -> Iterator[Finding]:
    """Yield a bandwidth at which reload and recompute do not take equally long: bytes over what latency leaves."""
    stated, value = kept.break_even_bytes_per_s, None
    if exact is not None and exact[1] > 0:
        value = exact[0] / exact[1]
    if stated is None or value is None:
        if stated is not None or value is not None:
            yield _finding(f"{where}.break_even_bytes_per_s", "lacking, or made up", value, stated)
        return
    yield from mismatch(NAME, Figure(f"{where}.break_even_bytes_per_s", stated, value, "B/s"), EXACT)
