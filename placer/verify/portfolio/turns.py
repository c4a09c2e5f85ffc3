"""Checks `turns` and `tiers`: timetables of cold models, what switching costs, and where weights wait (physics E5)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from placer.plan.portfolio import Slot, SlotMember
from placer.scenario.portfolio import ColdTier, Phase
from placer.verify.finding import Finding
from placer.verify.portfolio.context import PortfolioContext, Traffic, differs, finding
from placer.verify.portfolio.first_tokens import prompt_lanes, turn_ttft_s

TURNS = "turns"
TURNS_WHAT = "all turns fit the period, no wait is longer than allowed, loads and switches follow from arrivals"
TIERS = "tiers"
TIERS_WHAT = "weights of all members fit the tier they wait in"
#: A turn answers all who wait but for this chance (docs/scenarios.md).
MOST_OVERFLOW = 0.01


def check_turns(context: PortfolioContext) -> Iterator[Finding]:
    """Yield timetables that do not work out, and figures that do not follow from weights, plans and arrivals."""
    for index, slot in enumerate(context.portfolio.slots):
        where, tier = f"slots[{index}]", _tier(context, slot)
        if tier is None:
            yield finding(TURNS, where, f"the scenario has no tier {slot.tier} of {slot.pool}")
            continue
        for number, member in enumerate(slot.members):
            yield from _check_member(context, (slot, tier), member, f"{where}.members[{number}]")
        taken_s = sum(member.switch_s + member.serve_s for member in slot.members)
        if taken_s > slot.period_s * (1 + 1e-9):
            yield finding(TURNS, where, "turns take longer than the period", slot.period_s, taken_s)
        for field, exact in (
            ("timetable_load", taken_s / slot.period_s),
            ("load", sum(member.load for member in slot.members)),
        ):
            if differs(getattr(slot, field), exact):
                yield finding(TURNS, f"{where}.{field}", "not that of its members", exact, getattr(slot, field))


def check_tiers(context: PortfolioContext) -> Iterator[Finding]:
    """Yield tiers that hold less than must wait in them."""
    for index, slot in enumerate(context.portfolio.slots):
        tier = _tier(context, slot)
        held = sum(_weights(member) for member in slot.members)
        if tier is not None and held > tier.capacity:
            where = f"slots[{index}]"
            yield finding(TIERS, where, "weights exceed the tier of its fullest device [B]", tier.capacity, held)


def _tier(context: PortfolioContext, slot: Slot) -> ColdTier | None:
    return next((t for t in context.scenario.tiers if (t.pool, t.tier) == (slot.pool, slot.tier)), None)


def _weights(member: SlotMember) -> int:
    return max(use.weights_bytes + use.hot_experts_bytes for use in member.plan.memory)


def _check_member(
    context: PortfolioContext, at: tuple[Slot, ColdTier], member: SlotMember, where: str
) -> Iterator[Finding]:
    slot, tier = at
    service, traffic = context.scenario.service(member.model), context.traffic[member.model]
    metrics = member.plan.metrics
    assert metrics is not None
    if service.wait is None or slot.period_s > service.wait * (1 + 1e-9):
        yield finding(TURNS, where, "waits longer for its turn than allowed", service.wait, slot.period_s)
    switch_s = _weights(member) / tier.bandwidth + tier.latency
    first_s = turn_ttft_s(member.plan, service, member.batch_requests)
    serve_s = first_s + traffic.output_tokens * metrics.step_time_s
    some_s = (1.0 - math.prod(math.exp(-rate * slot.period_s) for rate, _ in traffic.groups)) / slot.period_s
    chance = _overflow(traffic, slot.period_s, member.batch_requests)
    exact = {
        "weights_bytes": _weights(member),
        "switch_s": switch_s,
        "serve_s": serve_s,
        "ttft_s": first_s,
        "requests_per_turn": traffic.requests_per_s * slot.period_s,
        "overflow": chance,
        "switches_per_hour": 3600 * some_s,
        "load": some_s * (switch_s + serve_s),
    }
    for field, value in exact.items():
        if differs(getattr(member, field), value):
            yield finding(TURNS, f"{where}.{field}", "not what follows", value, getattr(member, field))
    yield from _check_batch(context, member, where)
    wait_s = context.answer(member.model).switch_wait_s
    if differs(wait_s, slot.period_s + switch_s):
        where_wait = f"models[{member.model}].switch_wait_s"
        yield finding(TURNS, where_wait, "not period and switch", slot.period_s + switch_s, wait_s)
    if chance > MOST_OVERFLOW + 1e-9:
        yield finding(TURNS, where, "more wait than a turn answers too often", MOST_OVERFLOW, chance)


def _check_batch(context: PortfolioContext, member: SlotMember, where: str) -> Iterator[Finding]:
    """Yield turns of more requests than a replica holds or prefills in whole rounds, and late first tokens."""
    service, lanes = context.scenario.service(member.model), prompt_lanes(member.plan)
    assert member.plan.metrics is not None
    users = member.plan.metrics.users
    is_whole = lanes > 0 and member.batch_requests % lanes == 0
    if member.batch_requests > users or not (member.batch_requests == users or is_whole):
        expected = f"{users}, or fewer in whole rounds of {lanes}"
        yield finding(TURNS, f"{where}.batch_requests", "not what its replica answers", expected, member.batch_requests)
    limits = [limit for limit in (service.ttft, service.ttft_p99) if limit is not None]
    if context.scenario.phase is Phase.SERVICE and member.ttft_s > min(limits, default=math.inf) * (1 + 1e-9):
        yield finding(TURNS, f"{where}.ttft_s", "first tokens are late", min(limits), member.ttft_s)
    said = context.answer(member.model).ttft_s
    if differs(said, member.ttft_s):
        yield finding(TURNS, f"models[{member.model}].ttft_s", "not that of its turn", member.ttft_s, said)


def _overflow(traffic: Traffic, period_s: float, room: int) -> float:
    """Return the chance of more than ``room`` requests in a period: distributions of each kind of group, convolved."""
    # Far beyond the mean nothing arrives that counts: sums stay short however many users a replica has room for.
    mean = sum(rate * size for rate, size in traffic.groups) * period_s
    widest = max(size for _, size in traffic.groups)
    room = min(room, int(mean + 50 * math.sqrt(mean * widest)) + 100 * widest)
    total = np.array([1.0])
    for rate, size in traffic.groups:
        expected = rate * period_s
        own = np.zeros(room + 1)
        for groups in range(room // size + 1):
            own[groups * size] = math.exp(groups * math.log(expected) - expected - math.lgamma(groups + 1))
        total = np.convolve(total, own)[: room + 1]
    return max(0.0, 1.0 - float(total.sum()))
