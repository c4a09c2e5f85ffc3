"""Sizing a fleet over the hours of a profile, and paying the least for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.catalog.fleet import Pool
from placer.cost.queueing import queue_wait
from placer.demand.answer import DemandAnswer, HourUse, Outcome, PoolUse, Refusal
from placer.demand.capacity import Capacity, assert_by_the_hour, capacity_of, unit_rates
from placer.demand.mix import Mix, UnitRates, cheapest_mix
from placer.demand.occupancy import greatest_mean_users, slots_needed
from placer.demand.prices import ALWAYS_PAID, Prices
from placer.demand.profile import Profile
from placer.errors import InputError
from placer.plan.plan import Plan

DEFAULT_PERCENTILE = 0.99
#: Residences are taken for exponential where the wait for a slot is told: output lengths vary, nobody said how.
_RESIDENCE_SCV = 1.0

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """A plan, the hours it must serve, and how they may be paid for; `prices` is None where nobody said."""

    plan: Plan
    profile: Profile
    prices: Prices | None = None
    percentile: float = DEFAULT_PERCENTILE
    where: str = "plan"


@dataclass(frozen=True)
class _PoolMix:
    pool: Pool
    needed: Integers
    rates: UnitRates
    mix: Mix


def size_over_time(question: Question) -> DemandAnswer:
    """Return the fewest whole replicas of every hour, and the cheapest way to pay for the units they take.

    The requests in service at the percentile fit the slots of the hour's replicas. Fewer replicas never take more
    units, and units of different pools are paid for apart, so the sum of the pools' cheapest mixes is the least cost
    of all fleets that hold the percentile in every hour.

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
    pools = tuple(fleet.pool(name) for name in capacity.rentals.pools)
    rates = tuple(unit_rates(fleet, pool, prices) for pool in pools)
    means = [rate * capacity.residence_s for rate in profile.requests_per_s]
    users = [slots_needed(mean, question.percentile, profile.peakedness) for mean in means]
    replicas = [-(-number // capacity.slots_per_replica) for number in users]
    answer = _asked(question, capacity)
    if max(replicas) > capacity.most_replicas:
        return answer.model_copy(update={"refusal": _refusal(question, capacity, replicas)})
    mixes = []
    for pool, rate in zip(pools, rates, strict=True):
        needed = np.array([capacity.units(pool, number) for number in replicas], dtype=np.int64)
        mixes.append(_PoolMix(pool, needed, rate, cheapest_mix(needed, rate)))
    hours = tuple(
        _hour(hour, (profile, capacity), (means[hour], users[hour], replicas[hour]), mixes)
        for hour in range(profile.num_hours)
    )
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
        num_requests=profile.num_requests,
        output_tokens=profile.num_requests * scenario.workload.output_tokens,
        estimates=plan.provenance.estimates,
    )


def _hour(hour: int, asked: tuple[Profile, Capacity], needs: tuple[float, int, int], mixes: list[_PoolMix]) -> HourUse:
    (profile, capacity), (mean, users, replicas) = asked, needs
    rate, slots = profile.requests_per_s[hour], replicas * capacity.slots_per_replica
    is_poisson = profile.peakedness == 1
    wait_s = queue_wait(slots, rate, capacity.residence_s, _RESIDENCE_SCV).p99_s if slots and is_poisson else 0.0
    return HourUse(
        hour=hour,
        requests_per_s=rate,
        mean_users=mean,
        users_at_percentile=users,
        replicas=replicas,
        slots=slots,
        wait_p99_s=wait_s if is_poisson else None,
        units=tuple(int(each.needed[hour]) for each in mixes),
        on_demand_units=tuple(int(each.mix.on_demand[hour]) for each in mixes),
        spot_units=tuple(int(each.mix.spot[hour]) for each in mixes),
        idle_units=tuple(max(0, each.mix.reserved - int(each.needed[hour])) for each in mixes),
        usd=float(sum(each.mix.usd[hour] for each in mixes)),
    )


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


def _refusal(question: Question, capacity: Capacity, replicas: list[int]) -> Refusal:
    profile, most = question.profile, capacity.most_replicas
    hour = replicas.index(max(replicas))
    mean = greatest_mean_users(most * capacity.slots_per_replica, question.percentile, profile.peakedness)
    rate = mean / capacity.residence_s
    caps = [name for name in ("cost_cap", "power_cap") if getattr(question.plan.scenario.target, name) is not None]
    limits = " and ".join(["the inventory", *(f"target.{name}" for name in caps)])
    return Refusal(
        hour=hour,
        requests_per_s=profile.requests_per_s[hour],
        replicas_needed=replicas[hour],
        replicas_possible=most,
        greatest_requests_per_s=rate,
        reason=(
            f"hour {hour}: {profile.requests_per_s[hour]:.4g} requests/s need {replicas[hour]:,} replicas, "
            f"{limits} of {question.plan.scenario.fleet.name} allow{'' if caps else 's'} {most:,}; these hold "
            f"{rate:.4g} requests/s"
        ),
    )
