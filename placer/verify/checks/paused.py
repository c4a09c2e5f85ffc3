"""Check `paused`: paused sessions wait where there is room, none is lost, every figure of theirs is derived anew."""

from __future__ import annotations

import math
from collections.abc import Iterator

from placer.graph.lower import lower
from placer.plan.paused import Decision, Holder, PausedSessions, Place
from placer.scenario.sessions import Sessions
from placer.verify.checks.places import Pausing, check_place, stage_names
from placer.verify.compare import EXACT, Figure, mismatch
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.paused import held_by_stage, recompute_s, session_pages

NAME = "paused"
WHAT = "paused sessions: bytes and room on every stage and tier, reload or recompute, who waits where, what it costs"
#: Sums of whole bytes may have been rounded this much [B].
ROUNDING = 2.0


def check_paused(context: Context) -> Iterator[Finding]:
    """Yield what is wrong with the sessions that pause; a plan whose workload has none says nothing of them."""
    sessions, stated, draft = context.scenario.workload.sessions, context.plan.paused, context.scenario.retention.draft
    if sessions is None:
        if stated is not None:
            yield _finding("paused", "the workload has no sessions", "null", f"{stated.sessions} sessions")
        return
    lowered = lower(draft) if draft is not None else None
    held = held_by_stage(context, lowered)
    if stated is not None and held:
        yield from _check_stated(Pausing(context, sessions, stated, held, recompute_s(context, lowered)))
    elif stated is not None or held:
        expected = f"{len(held)} stages keep something of a session" if held else "nothing is kept of a session"
        yield _finding("paused", "lacking, or made up", expected, stated and f"{stated.sessions} sessions")


def _check_stated(pausing: Pausing) -> Iterator[Finding]:
    stated = pausing.stated
    stages = [(holder.role, holder.stage) for holder in stated.holders]
    if stages != list(pausing.held):
        message = "not the stages that keep something of a session, in order"
        yield _finding("paused.holders", message, stage_names(pausing.held), stage_names(stages))
        return
    yield from _check_head(pausing)
    for holder in stated.holders:
        yield from _check_holder(pausing, holder)
    yield from _check_sum(stated, pausing.sessions)
    names = tuple(place.name for place in stated.places)
    if names != pausing.names:
        yield _finding("paused.places", "not the tiers of the devices, and recompute", pausing.names, names)
        return
    for index, place in enumerate(stated.places):
        yield from check_place(pausing, index, place)
    yield from _check_policy(stated.places)


def _finding(where: str, message: str, expected: object, found: object) -> Finding:
    return Finding(check=NAME, where=where, message=message, expected=str(expected), found=str(found))


def _check_head(pausing: Pausing) -> Iterator[Finding]:
    """Yield a wrong number of sessions, a wrong length, a wrong time to compute one again."""
    stated, context = pausing.stated, pausing.context
    tokens = context.scenario.workload.capacity_context
    if stated.context_tokens != tokens:
        yield _finding("paused.context_tokens", "not the capacity context", tokens, stated.context_tokens)
    asked = context.scenario.retention.paused
    if asked is None:
        users = len(context.placement.replicas) * context.batch.sequences_per_microbatch
        users *= context.batch.microbatches_in_flight
        answer_s = context.scenario.workload.output_tokens * context.metrics.step_time_s
        exact = users * pausing.sessions.think_time / answer_s
        if not math.ceil(exact * (1 - 1e-9)) <= stated.sessions <= math.ceil(exact * (1 + 1e-9)):
            message = "not those a full plan leaves waiting"
            yield _finding("paused.sessions", message, math.ceil(exact), stated.sessions)
    elif stated.sessions != asked:
        yield _finding("paused.sessions", "not those that are paused", asked, stated.sessions)
    yield from mismatch(NAME, Figure("paused.recompute_s", stated.recompute_s, pausing.recompute_s, "s"), EXACT)


def _check_holder(pausing: Pausing, holder: Holder) -> Iterator[Finding]:
    where = f"paused.holders[{holder.role} stage {holder.stage}]"
    held, group = pausing.held[holder.role, holder.stage], pausing.context.groups[holder.role]
    for field, exact in (
        ("ranks", len(pausing.context.placement.replicas) * group.data_ranks),
        ("layers", held.layers),
        ("session_tokens", session_pages(pausing.context, group)),
        ("device_bytes", held.device),
        ("whole_bytes", held.whole),
        ("draft_weights_bytes", held.draft_weights),
    ):
        if getattr(holder, field) != exact:
            yield _finding(f"{where}.{field}", "wrong", exact, getattr(holder, field))
    if abs(holder.free_bytes - held.free) > ROUNDING + 1e-9 * abs(held.free):
        message = "not what weights, buffers and sequences in flight leave"
        yield _finding(f"{where}.free_bytes", message, f"{held.free:.0f} B", f"{holder.free_bytes} B")


def _check_sum(stated: PausedSessions, sessions: Sessions) -> Iterator[Finding]:
    """Yield sessions that are lost or counted twice, and totals that are not those of the places."""
    total = sum(place.sessions for place in stated.places)
    if total != stated.sessions:
        message = "sessions are lost" if total < stated.sessions else "sessions are counted twice"
        yield _finding("paused.places", message, stated.sessions, total)
    kept = sum(place.sessions for place in stated.places if place.kept)
    all_ = max(1, stated.sessions)
    cost_s = sum(place.sessions * place.cost_s for place in stated.places) / all_
    cost_usd = sum(place.sessions * place.cost_usd for place in stated.places) / all_
    for name, found, exact, unit in (
        ("hit_rate", stated.hit_rate, kept / all_ * sessions.prefix_hit_rate, ""),
        ("pause_cost_s", stated.pause_cost_s, cost_s, "s"),
        ("pause_cost_usd", stated.pause_cost_usd, cost_usd, "USD"),
    ):
        yield from mismatch(NAME, Figure(f"paused.{name}", found, exact, unit), EXACT)


def _check_policy(places: tuple[Place, ...]) -> Iterator[Finding]:
    """Yield sessions that would wait for less elsewhere, in a place that has room: then the choice is not the best."""
    for taken in (place for place in places if place.sessions):
        where = f"paused.places[{taken.name}].sessions"
        if taken.kept and taken.decision is Decision.RECOMPUTE:
            yield _finding(where, "sessions wait here, though computing them again is faster", 0, taken.sessions)
        for other in places:
            has_room = other.limit is None or other.sessions < other.limit
            if has_room and other.cost_s < taken.cost_s * (1 - 1e-9):
                message = f"sessions wait here, and for less in {other.name}, which has room"
                yield _finding(where, message, 0, taken.sessions)
                return
