"""Where the KV cache of paused sessions waits: every tier weighed, the cheapest within what they hold chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from placer.catalog.fleet import Fleet
from placer.catalog.price import Energy, hourly_usd
from placer.errors import InputError
from placer.kv import break_even
from placer.kv.answer import CpAnswer, KvTiersAnswer, TierAnswer
from placer.kv.policy import Choice, assign, pause_cost_s
from placer.kv.rank import Rank
from placer.kv.tier import StorageTier
from placer.scenario.sessions import Sessions
from placer.units import format_bytes

RECOMPUTE = "recompute"


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    rank
        What keeps the sessions.
    tiers
        Tiers below the one ops run from.
    sessions
        Turns, think time, hit rate, compression.
    context
        Tokens of a session at its pause.
    paused
        Sessions paused at once on the rank.
    fleet
        Where links and prices are from.
    """

    rank: Rank
    tiers: tuple[StorageTier, ...]
    sessions: Sessions
    context: int
    paused: int
    fleet: Fleet

    @property
    def displaced_share(self) -> float:
        """Share of the room for KV cache that a session takes where ops run."""
        return self.rank.device_bytes(self.context) / self.rank.room_bytes()


def paused_sessions(question: Question, context_parallel: tuple[CpAnswer, ...] = ()) -> KvTiersAnswer:
    """Return what every tier holds and takes, and where paused sessions should wait.

    Raises
    ------
    InputError
        If a rank has no room for one session beside the weights, or the device no price on the fleet's basis.
    """
    rank, context, sessions = question.rank, question.context, question.sessions
    _check_room(rank, context)
    recompute_s = rank.recompute_s(context)
    rows = (
        _at_hand(question, recompute_s),
        *(_below(question, tier, recompute_s) for tier in question.tiers),
        _nowhere(question, recompute_s),
    )
    counts = assign([Choice(row.tier, row.cost_s, _limit(row)) for row in rows], question.paused)
    hits = sessions.prefix_hit_rate / question.paused
    rows = tuple(
        row.model_copy(update={"sessions": count, "hit_rate": 0.0 if row.tier == RECOMPUTE else count * hits})
        for row, count in zip(rows, counts, strict=True)
    )
    cost_s = sum(row.sessions * row.cost_s for row in rows) / question.paused
    stored, held = rank.stored_bytes(context), rank.device_bytes(context)
    return KvTiersAnswer(
        model=rank.models[0].spec.name,
        draft=rank.models[1].spec.name if len(rank.models) > 1 else None,
        device=rank.group.device.name,
        fleet=question.fleet.name,
        price_basis=question.fleet.price_basis,
        tp=rank.tp,
        dp=rank.group.shape.dp,
        context=context,
        kv_format=str(rank.models[0].spec.precision.kv),
        workload=sessions,
        paused=question.paused,
        session_bytes=stored,
        device_bytes=held,
        copies=rank.tp * held / stored if stored else 1.0,
        room_bytes=rank.room_bytes(),
        prefill_tokens_per_s=context / recompute_s,
        tiers=rows,
        policy=_policy(rows, question.paused),
        pause_cost_s=cost_s,
        pause_cost_usd=_usd(question, cost_s),
        context_parallel=context_parallel,
        estimates=_estimates(question),
        notes=_notes(question),
    )


def _check_room(rank: Rank, context: int) -> None:
    room, held, name = rank.room_bytes(), rank.device_bytes(context), rank.group.device.name
    if room < max(1, held):
        raise InputError(
            f"beside weights and reserve {rank.tp} x {name} have {format_bytes(room)} each for KV cache, a session of "
            f"{context:,} tokens takes {format_bytes(held)}; expected more devices or a shorter context",
            where="--tp",
        )


def _usd(question: Question, seconds: float) -> float:
    device, fleet = question.rank.group.device, question.fleet
    basis, energy = fleet.price_basis, fleet.energy or Energy()
    if basis not in device.price:
        raise InputError(f'{device.name} has no price on the basis "{basis}" (it has {", ".join(device.price)})')
    usd_per_hour = hourly_usd(device.price[basis], device.power, energy)
    if usd_per_hour is None:
        raise InputError(f"{device.name} is owned; expected what electricity costs, as energy.electricity of the fleet")
    return seconds * question.rank.tp * usd_per_hour / 3600.0


def _row(question: Question, tier: str, seconds: tuple[float, float, float], **fields: object) -> TierAnswer:
    """Return the row of a place; ``seconds`` are those of holding, resuming, recomputing."""
    cost_s = pause_cost_s(question.sessions, *seconds)
    values: dict[str, object] = {
        "tier": tier,
        "resume_s": seconds[1],
        "recompute_s": seconds[2],
        "reload_wins": seconds[1] <= seconds[2],
        "cost_s": cost_s,
        "cost_usd": _usd(question, cost_s),
        "sessions": 0,
        "hit_rate": 0.0,
    }
    unknown = ("capacity_sessions", "traffic_sessions", "break_even_bytes_per_s", "break_even_context")
    return TierAnswer.model_validate(dict.fromkeys((*unknown, "break_even_think_s")) | values | fields)


def _at_hand(question: Question, recompute_s: float) -> TierAnswer:
    """Return the row of the tier ops run from: nothing to bring back, but room that others could use."""
    rank, share = question.rank, question.displaced_share
    held = rank.device_bytes(question.context)
    return _row(
        question,
        str(rank.group.device.cache_tier.tier),
        (question.sessions.think_time * share, 0.0, recompute_s),
        capacity_sessions=rank.room_bytes() // held if held else question.paused,
    )


def _below(question: Question, tier: StorageTier, recompute_s: float) -> TierAnswer:
    """Return the row of a tier below: one copy is stored, compressed, over the shares of the rank's devices."""
    rank, sessions, context = question.rank, question.sessions, question.context
    compression, stored = sessions.compression, rank.stored_bytes(context)
    reload_s = break_even.reload_s(rank, tier, context, compression)
    busy_s = sessions.reuse_rate * (reload_s - tier.latency_s)
    waits = recompute_s - tier.latency_s
    return _row(
        question,
        tier.name,
        (0.0, reload_s, recompute_s),
        capacity_sessions=math.floor(rank.tp * tier.capacity_bytes * compression / stored)
        if stored
        else question.paused,
        traffic_sessions=math.floor(sessions.think_time / busy_s) if busy_s else None,
        break_even_bytes_per_s=rank.device_bytes(context) / (compression * waits) if waits > 0 else None,
        break_even_context=break_even.break_even_context(
            lambda tokens: break_even.is_reload_faster(rank, tier, tokens, compression),
            rank.group.device.kv_page_tokens,
        ),
        break_even_think_s=break_even.break_even_think_s(reload_s, sessions, question.displaced_share),
    )


def _nowhere(question: Question, recompute_s: float) -> TierAnswer:
    return _row(
        question,
        RECOMPUTE,
        (0.0, recompute_s, recompute_s),
        reload_wins=False,
        break_even_think_s=break_even.break_even_think_s(recompute_s, question.sessions, question.displaced_share),
    )


def _limit(row: TierAnswer) -> int | None:
    limits = [limit for limit in (row.capacity_sessions, row.traffic_sessions) if limit is not None]
    return min(limits, default=None)


def _policy(rows: tuple[TierAnswer, ...], paused: int) -> str:
    places = [
        f"{row.sessions:,} of {paused:,} {'dropped and recomputed' if row.tier == RECOMPUTE else f'in {row.tier}'}"
        for row in rows
        if row.sessions
    ]
    return ", ".join(places)


def _estimates(question: Question) -> tuple[str, ...]:
    device = question.rank.group.device
    figures = [*device.estimates(question.fleet.price_basis)]
    figures += [f"memory.{tier.name}" for tier in question.tiers if tier.is_estimate]
    guessed = [f"{tier.name}.{figure}" for tier in question.tiers for figure in tier.estimates]
    return (*(f"{device.name}.{figure}" for figure in figures), *guessed)


def _notes(question: Question) -> tuple[str, ...]:
    device, names = question.rank.group.device.name, {tier.name for tier in question.tiers}
    lacking = [] if any(name.startswith(("ddr", "lpddr")) for name in names) else ["ddr"]
    lacking += [] if any(name.startswith("nvme") for name in names) else ["nvme"]
    if not lacking:
        return ()
    tiers = " and ".join(lacking)
    how = "give them with --tier, as nvme-gen5 or nvme:3.84TB@14GB/s"
    return (f"the catalog has no {tiers} figures for {device}; {how}",)
