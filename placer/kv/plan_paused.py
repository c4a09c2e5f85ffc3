"""Paused sessions of a plan: how many there are, and in which of its places they wait."""

from __future__ import annotations

import math

from placer.kv.deployed import Deployed, deployed
from placer.kv.holders import holders_of
from placer.kv.places import RECOMPUTE, Asked, places
from placer.kv.policy import Choice, assign
from placer.kv.recompute import recompute_s
from placer.plan.paused import Decision, Holder, Kept, PausedSessions, Place
from placer.plan.plan import Plan


def paused_sessions_of(plan: Plan) -> PausedSessions | None:
    """Return where paused sessions of a plan wait, in what it leaves free; the plan itself stays as it is.

    Parameters
    ----------
    plan
        Planned, or anything else.

    Returns
    -------
    PausedSessions or None
        None where there is no plan, the workload has no sessions, or the model keeps nothing of them.
    """
    found = deployed(plan)
    holders = holders_of(found) if found is not None else ()
    if found is None or not holders:
        return None
    asked = Asked(found, holders, recompute_s(found))
    offered, paused = places(asked), found.retention.paused or waiting(found)
    counts = assign([Choice(place.name, place.cost_s, _worthwhile(place)) for place in offered], paused)
    filled = tuple(_fill(found, holders, place, (count, paused)) for place, count in zip(offered, counts, strict=True))
    cost_s = sum(place.sessions * place.cost_s for place in filled) / max(1, paused)
    return PausedSessions(
        sessions=paused,
        context_tokens=found.context,
        recompute_s=asked.recompute_s,
        holders=holders,
        places=filled,
        hit_rate=min(1.0, sum(place.hit_rate for place in filled)),
        pause_cost_s=cost_s,
        pause_cost_usd=asked.cost_usd(cost_s),
    )


def waiting(found: Deployed) -> int:
    """Return how many sessions wait when the plan is full: answers end at some rate, and a pause follows each.

    By Little's law, ``users * think time / (output tokens * step time)``. The next turn decodes at once: where it
    queues or is prefilled first, fewer wait.
    """
    answer_s = found.plan.scenario.workload.output_tokens * found.metrics.step_time_s
    return math.ceil(found.metrics.users * found.sessions.think_time / answer_s)


def _worthwhile(place: Place) -> int | None:
    """Return how many sessions may wait in a place: none in a tier that takes longer than computing again."""
    return 0 if place.kept and place.decision is Decision.RECOMPUTE else place.limit


def _fill(found: Deployed, holders: tuple[Holder, ...], place: Place, counts: tuple[int, int]) -> Place:
    """Return a place with so many of all sessions, dealt evenly to the data-parallel ranks."""
    count, paused = counts
    hits = 0.0 if place.name == RECOMPUTE else count / max(1, paused) * found.sessions.prefix_hit_rate
    kept = tuple(_hold(each, holder, count) for each, holder in zip(place.kept, holders, strict=False))
    return place.model_copy(update={"sessions": count, "hit_rate": hits, "kept": kept})


def _hold(kept: Kept, holder: Holder, count: int) -> Kept:
    mine = -(-count // holder.ranks)
    return kept.model_copy(
        update={
            "sessions": mine,
            "held_bytes": mine * kept.session_bytes,
            "held_tokens": mine * holder.session_tokens,
        }
    )
