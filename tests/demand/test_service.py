"""Plans of prefill and decode over time: prefill groups by the hour, first tokens in time, units shared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.catalog.fleet import Pool
from placer.cost.money import shared_devices
from placer.cost.queueing import queue_wait
from placer.demand.answer import Outcome
from placer.demand.capacity import Guarantee, capacity_of
from placer.demand.profile import Profile
from placer.demand.size import Question, size_over_time

CALM = Guarantee(0.99, 1.0)


def hours_of(plan, rates, peakedness=1.0):
    rates = tuple(rates) + (1.0,) * (24 - len(rates))
    return size_over_time(Question(plan, Profile(requests_per_s=rates, peakedness=peakedness)))


def test_at_the_plans_own_rate_no_more_is_rented_than_by_the_plan(disaggregated):
    # Slots are full in the mean there: the percentile needs more replicas, prefill needs what the plan has or less.
    rate = disaggregated.metrics.requests_per_s
    need = capacity_of(disaggregated, "plan").need(rate, CALM)
    (pool,) = disaggregated.phases.prefill
    assert 0.95 * pool.groups <= need.groups[0] <= pool.groups
    replicas = len(disaggregated.placement.replicas)
    assert replicas <= need.replicas <= 1.2 * replicas + 1


@pytest.mark.parametrize("rate", [0.5, 3.0, 40.0, 400.0])
def test_prefill_groups_are_the_fewest_in_time(disaggregated, rate):
    queue = capacity_of(disaggregated, "plan").prefill[0]
    groups = queue.fewest_groups(rate, 1.0)
    pool, first = queue.pool, queue.pool.first_token
    alone_s = first.reload_s + first.prefill_s + first.kv_transfer_s

    def holds(number):
        servers = number * pool.chunks.prompts * (pool.width // pool.tp)
        wait = queue_wait(servers, rate, pool.prompt_s)
        load = rate * pool.prompt_s / servers
        return load <= disaggregated.scenario.service.max_prefill_load and alone_s + wait.p99_s <= 1.5

    assert holds(groups)
    assert groups == 1 or not holds(groups - 1)


def test_first_tokens_are_in_time_in_every_hour(disaggregated):
    answer = hours_of(disaggregated, [200.0, 30.0, 2.0, 0.0])
    assert answer.is_service
    assert answer.prefill_pools == ("h200",)
    assert all(hour.ttft_p99_s <= 1.5 for hour in answer.hours if hour.requests_per_s)
    assert answer.hours[3].ttft_s is None
    assert answer.hours[3].units == (0,)
    groups = [hour.prefill_groups[0] for hour in answer.hours[:4]]
    assert groups == sorted(groups, reverse=True)


def test_groups_and_replicas_share_units(disaggregated):
    (pool,) = disaggregated.phases.prefill
    (group,) = disaggregated.groups
    for hour in hours_of(disaggregated, [200.0, 77.0, 30.0, 5.0]).hours:
        devices = hour.replicas * group.num_devices + hour.prefill_groups[0] * pool.stages * pool.width
        assert 8 * hour.units[0] - devices in range(8)


def test_bursts_wait_longer_for_prefill(disaggregated):
    calm, bursty = hours_of(disaggregated, [30.0]), hours_of(disaggregated, [30.0], peakedness=5.0)
    assert bursty.hours[0].prefill_groups > calm.hours[0].prefill_groups
    assert bursty.hours[0].ttft_p99_s <= 1.5


def test_the_rate_named_in_a_refusal_can_be_served(disaggregated):
    answer = hours_of(disaggregated, [1e5])
    assert answer.outcome is Outcome.INFEASIBLE
    assert "prefill group(s)" in answer.refusal.reason
    rate = answer.refusal.greatest_requests_per_s
    assert hours_of(disaggregated, [rate]).outcome is Outcome.SIZED
    assert hours_of(disaggregated, [rate * 1.02]).outcome is Outcome.INFEASIBLE


def test_colocated_replicas_serve_prompts_too(colocated):
    answer = hours_of(colocated, [100.0, 10.0])
    assert answer.is_service
    assert answer.prefill_pools == ()
    hour = answer.hours[0]
    assert hour.ttft_s is None
    served = colocated.metrics.capacity_tokens_per_s / 1024 / len(colocated.placement.replicas)
    assert hour.replicas * served >= 100.0
    assert answer.residence_s == pytest.approx(1024 / colocated.metrics.tokens_per_s_per_user)


@given(
    sizes=st.sampled_from([(1, 1), (4, 1), (4, 8), (6, 2), (8, 8), (8, 4), (8, 16), (12, 3), (16, 4)]),
    blocks=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    numbers=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_one_block_more_never_rents_fewer_devices(sizes, blocks, numbers):
    # What makes the fewest replicas and groups the fewest units too, and the fullest hour the one that may not fit.
    domain, unit = sizes
    first, second = (min(size, domain) for size in blocks)
    count = 100 * domain * unit
    pool = Pool(name="p", device="d", count=count, unit=unit, domain=domain, scale_up="l", scale_out="l")

    def rented(replicas, groups):
        return shared_devices(pool, (first, np.array([replicas])), np.array([second]), np.array([groups]))[0]

    replicas, groups = numbers
    assert rented(replicas + 1, groups) >= rented(replicas, groups)
    assert rented(replicas, groups + 1) >= rented(replicas, groups)
