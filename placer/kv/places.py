"""Where sessions of a plan may wait: what every stage's tiers hold, bring back and cost, before anyone waits there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placer.kv.deployed import Deployed
from placer.kv.policy import pause_cost_s
from placer.kv.tier import StorageTier, storage_tier, tiers_of
from placer.plan.paused import Decision, Holder, Kept, Place

RECOMPUTE = "recompute"


@dataclass(frozen=True)
class Asked:
    """What all places have in common.

    Attributes
    ----------
    deployed, holders
        The plan, and the stages that keep something of a session.
    recompute_s
        Time to compute a session again [s].
    """

    deployed: Deployed
    holders: tuple[Holder, ...]
    recompute_s: float

    def cost_s(self, back_s: float) -> float:
        """Return what a pause costs: nothing for the room, which the plan leaves free or rents anyway [s]."""
        return pause_cost_s(self.deployed.sessions, 0.0, back_s, self.recompute_s)

    def cost_usd(self, seconds: float) -> float:
        """Return the rent of a data-parallel rank for so many seconds, of the group with most of them [USD]."""
        ranks = max(holder.ranks for holder in self.holders)
        return seconds * self.deployed.metrics.usd_per_hour / (3600.0 * ranks)


def places(asked: Asked) -> tuple[Place, ...]:
    """Return the compute tier, the tiers below, and recompute; no session waits anywhere yet.

    A session waits with all it has in one place, as a part of it is worth nothing. Where two groups keep it, their
    first tiers below are one place, their second ones another, as far as both have them.
    """
    fleet, given = asked.deployed.plan.scenario.fleet, asked.deployed.retention.tiers
    pools = {role: shape.pool for role, shape in asked.deployed.shapes.items()}
    below = {
        holder.role: tiers_of(fleet.device_of(pools[holder.role]), map(storage_tier, given)) for holder in asked.holders
    }
    depth = min(map(len, below.values()))
    return (
        _at_hand(asked),
        *(_below(asked, [below[holder.role][level] for holder in asked.holders]) for level in range(depth)),
        _place(asked, RECOMPUTE, (Decision.RECOMPUTE, asked.recompute_s), ()),
    )


def _place(asked: Asked, name: str, back: tuple[Decision, float], kept: Sequence[Kept]) -> Place:
    decision, back_s = back
    cost_s = asked.cost_s(back_s)
    return Place(
        name=name,
        decision=decision,
        limit=_limit(asked.holders, kept) if kept else None,
        sessions=0,
        resume_s=back_s,
        cost_s=cost_s,
        cost_usd=asked.cost_usd(cost_s),
        hit_rate=0.0,
        kept=tuple(kept),
    )


def _limit(holders: Sequence[Holder], kept: Sequence[Kept]) -> int:
    """Return how many sessions of all replicas fit and are served."""
    return min(
        holder.ranks * min(limit for limit in (each.capacity_sessions, each.traffic_sessions) if limit is not None)
        for holder, each in zip(holders, kept, strict=True)
    )


def _names(tiers: Sequence[str]) -> str:
    return "+".join(dict.fromkeys(tiers))


def _at_hand(asked: Asked) -> Place:
    """Return the tier ops run from: nothing to bring back, in room that the plan leaves free."""
    kept = []
    for holder in asked.holders:
        device, room = asked.deployed.groups[holder.role].device, max(0, holder.free_bytes)
        kept.append(
            Kept(
                role=holder.role,
                stage=holder.stage,
                tier=str(device.cache_tier.tier),
                room_bytes=room,
                session_bytes=holder.device_bytes,
                capacity_sessions=room // holder.device_bytes,
                traffic_sessions=None,
                reload_s=0.0,
                break_even_bytes_per_s=None,
                sessions=0,
                held_bytes=0.0,
                held_tokens=0,
            )
        )
    return _place(asked, _names([each.tier for each in kept]), (Decision.STAY, 0.0), kept)


def _below(asked: Asked, tiers: Sequence[StorageTier]) -> Place:
    """Return a tier below: one copy of everything lies there, compressed, and every device reads all it keeps."""
    kept = [_kept_below(asked, holder, tier) for holder, tier in zip(asked.holders, tiers, strict=True)]
    reload_s = max(each.reload_s for each in kept)
    decision = Decision.RELOAD if reload_s <= asked.recompute_s else Decision.RECOMPUTE
    return _place(asked, _names([tier.name for tier in tiers]), (decision, reload_s), kept)


def _kept_below(asked: Asked, holder: Holder, tier: StorageTier) -> Kept:
    sessions, tp = asked.deployed.sessions, asked.deployed.shapes[holder.role].tp
    read_s = holder.device_bytes / (sessions.compression * tier.bytes_per_s)
    busy_s, waits = sessions.reuse_rate * read_s, asked.recompute_s - tier.latency_s
    session_bytes = holder.whole_bytes / (tp * sessions.compression)
    return Kept(
        role=holder.role,
        stage=holder.stage,
        tier=tier.name,
        room_bytes=tier.capacity_bytes,
        session_bytes=session_bytes,
        capacity_sessions=math.floor(tier.capacity_bytes / session_bytes),
        traffic_sessions=math.floor(sessions.think_time / busy_s) if busy_s else None,
        reload_s=tier.latency_s + read_s,
        break_even_bytes_per_s=holder.device_bytes / (sessions.compression * waits) if waits > 0 else None,
        sessions=0,
        held_bytes=0.0,
        held_tokens=0,
    )
