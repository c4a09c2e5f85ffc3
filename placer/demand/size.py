"""Sizing a fleet over the hours of a profile, and paying the least for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.catalog.fleet import Pool
from placer.cost.queueing import queue_wait
from placer.demand.answer import DemandAnswer, HourUse, Outcome, PoolUse, Refusal
from placer.demand.capacity import Capacity, Guarantee, HourNeed, capacity_of
from placer.demand.mix import Mix, UnitRates, cheapest_mix
from placer.demand.prices import ALWAYS_PAID, Prices
from placer.demand.profile import Profile
from placer.demand.rates import assert_by_the_hour, unit_rates
from placer.errors import InputError
from placer.plan.plan import Plan

DEFAULT_PERCENTILE = 0.99
#: Residences are taken for exponential where the wait for a slot is told: output lengths vary, nobody said how.
_RESIDENCE_SCV = 1.0
#: Bisections of a rate that can still be served.
_HALVINGS = 40

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """A plan, the hours it must serve, and how they may be paid for; `prices` is None where nobody said."""

    plan: Plan
    profile: Profile
    prices: Prices | None = None
    percentile: float = DEFAULT_PERCENTILE
    where: str = "plan"

    @property
    def must(self) -> Guarantee:
        """What holds in every hour."""
        return Guarantee(self.percentile, self.profile.peakedness)


@dataclass(frozen=True)
class _PoolMix:
    pool: Pool
    needed: Integers
    rates: UnitRates
    mix: Mix


def size_over_time(question: Question) -> DemandAnswer:
    """Return the fewest replicas and prefill groups of every hour, and the cheapest way to pay for their units.

    The requests in service at the percentile fit the slots of the hour's replicas, and prompts are in time for the
    plan's targets. Fewer replicas and groups never take more units, and units of different pools are paid for apart,
    so the sum of the pools' cheapest mixes is the least cost of all fleets of the plan's replicas and groups.

    Raises
    ------
    InputError
        If the plan is none, the percentile no share, or a price is missing.
    """
    plan, profile, prices = question.plan, question.profile, question.prices or ALWAYS_PAID
    if not 0.5 <= question.percentile < 1:
        raise InputError(f"expected a share from 0.5 to below 1, got {question.percentile!r}", where="percentile")
    capacity, fleet = capacity_of(plan, question.where), plan.scenario.fleet
    assert_by_the_hour(fleet, prices)
    rates = tuple(unit_rates(fleet, pool, prices) for pool in capacity.pools)
    known = {rate: capacity.need(rate, question.must) for rate in set(profile.requests_per_s)}
    needs = [known[rate] for rate in profile.requests_per_s]
    answer = _asked(question, capacity)
    fullest = int(np.argmax(profile.requests_per_s))
    if capacity.misses(needs[fullest]):
        return answer.model_copy(update={"refusal": _refusal(question, capacity, fullest, needs[fullest])})
    mixes = []
    for pool, rate in zip(capacity.pools, rates, strict=True):
        needed = np.array([need.devices[pool.name] // pool.unit for need in needs], dtype=np.int64)
        mixes.append(_PoolMix(pool, needed, rate, cheapest_mix(needed, rate)))
    hours = tuple(_hour(hour, question, capacity, (need, mixes)) for hour, need in enumerate(needs))
    uses = tuple(_pool_use(each, profile.num_hours) for each in mixes)
    found = {"outcome": Outcome.SIZED, "hours": hours, "pools": uses}
    return answer.model_copy(update=found | _sums(answer, hours, uses))


def _asked(question: Question, capacity: Capacity) -> DemandAnswer:
    """Return the question's part of the answer."""
    plan, profile = question.plan, question.profile
    scenario = plan.scenario
    return DemandAnswer(
        outcome=Outcome.INFEASIBLE,
        plan=question.where,
        model=scenario.model.name,
        fleet=scenario.fleet.name,
        price_basis=scenario.fleet.price_basis,
        prices=question.prices or ALWAYS_PAID,
        are_prices_given=question.prices is not None,
        profile=profile,
        percentile=question.percentile,
        residence_s=capacity.residence_s,
        slots_per_replica=capacity.slots_per_replica,
        prefill_pools=tuple(queue.pool.pool for queue in capacity.prefill),
        is_service=plan.phases is not None,
        num_requests=profile.num_requests,
        output_tokens=profile.num_requests * scenario.workload.output_tokens,
        estimates=plan.provenance.estimates,
    )


def _hour(hour: int, question: Question, capacity: Capacity, of: tuple[HourNeed, list[_PoolMix]]) -> HourUse:
    need, mixes = of
    rate, slots = question.profile.requests_per_s[hour], need.replicas * capacity.slots_per_replica
    is_poisson = question.profile.peakedness == 1
    wait_s = queue_wait(slots, rate, capacity.residence_s, _RESIDENCE_SCV).p99_s if slots and is_poisson else 0.0
    ttft_s, ttft_p99_s = _first_token_s(question, capacity, rate, need)
    return HourUse(
        hour=hour,
        requests_per_s=rate,
        mean_users=need.mean_users,
        users_at_percentile=need.users,
        replicas=need.replicas,
        slots=slots,
        wait_p99_s=wait_s if is_poisson else None,
        prefill_groups=need.groups,
        ttft_s=ttft_s,
        ttft_p99_s=ttft_p99_s,
        units=tuple(int(each.needed[hour]) for each in mixes),
        on_demand_units=tuple(int(each.mix.on_demand[hour]) for each in mixes),
        spot_units=tuple(int(each.mix.spot[hour]) for each in mixes),
        idle_units=tuple(max(0, each.mix.reserved - int(each.needed[hour])) for each in mixes),
        usd=float(sum(each.mix.usd[hour] for each in mixes)),
    )


def _first_token_s(
    question: Question, capacity: Capacity, rate: float, need: HourNeed
) -> tuple[float | None, float | None]:
    """Return mean and 99th percentile of the time to first token: over prefill pools the mean, and the longest."""
    if not capacity.prefill or not rate:
        return None, None
    queues = [
        (queue, queue.wait(groups, rate, question.profile.peakedness))
        for queue, groups in zip(capacity.prefill, need.groups, strict=True)
    ]
    mean_s = sum(queue.share * (queue.alone_s + wait.mean_s) for queue, wait in queues)
    return mean_s, max(queue.alone_s + wait.p99_s for queue, wait in queues)


def _pool_use(each: _PoolMix, num_hours: int) -> PoolUse:
    mix, needed = each.mix, each.needed
    idle = int(np.maximum(mix.reserved - needed, 0).sum())
    return PoolUse(
        pool=each.pool.name,
        devices_per_unit=each.pool.unit,
        peak_units=int(needed.max()),
        mean_units=float(needed.mean()),
        reserved_units=mix.reserved,
        on_demand_unit_hours=int(mix.on_demand.sum()),
        spot_unit_hours=int(mix.spot.sum()),
        idle_unit_hours=idle,
        idle_usd=idle * (each.rates.reserved or 0.0),
        usd=float(mix.usd.sum()),
        constant_usd=float(needed.max()) * num_hours * each.rates.steady_usd(),
    )


def _sums(answer: DemandAnswer, hours: tuple[HourUse, ...], pools: tuple[PoolUse, ...]) -> dict[str, float]:
    usd, constant_usd = sum(pool.usd for pool in pools), sum(pool.constant_usd for pool in pools)
    users, slots = sum(hour.mean_users for hour in hours), [hour.slots for hour in hours]
    millions = answer.output_tokens / 1e6
    return {
        "usd": usd,
        "constant_usd": constant_usd,
        "idle_usd": sum(pool.idle_usd for pool in pools),
        "usd_per_request": usd / answer.num_requests,
        "usd_per_million_output_tokens": usd / millions,
        "constant_usd_per_million_output_tokens": constant_usd / millions,
        "utilisation": users / sum(slots),
        "constant_utilisation": users / (len(slots) * max(slots)),
    }


def _refusal(question: Question, capacity: Capacity, hour: int, need: HourNeed) -> Refusal:
    low, high = 0.0, question.profile.requests_per_s[hour]
    asked = high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if capacity.misses(capacity.need(middle, question.must)) else (middle, high)
    groups = f" and {sum(need.groups):,} prefill group(s)" if need.groups else ""
    return Refusal(
        hour=hour,
        requests_per_s=asked,
        replicas=need.replicas,
        prefill_groups=need.groups,
        devices=dict(need.devices),
        greatest_requests_per_s=low,
        reason=(
            f"hour {hour}: {asked:.4g} requests/s need {need.replicas:,} replica(s){groups}, "
            f"{' and '.join(capacity.misses(need))}; {low:.4g} requests/s could be served"
        ),
    )
