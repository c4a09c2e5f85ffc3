"""Waits against closed forms, against a simulation, and against laws every queue obeys."""

import heapq
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from placer.cost.queueing import erlang_b, erlang_c, greatest_rate, queue_wait
from placer.errors import InputError

LAW = settings(derandomize=True, deadline=None)
servers_drawn = st.integers(1, 300)
loads = st.floats(1e-6, 0.999)
scvs = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 9))


def simulated(servers, load, draw_service_s, num_requests=400_000, seed=7):
    """Return mean and 99th percentile of the wait of requests in order of arrival; services are of mean 1 s."""
    random = np.random.default_rng(seed)
    arrivals_s = np.cumsum(random.exponential(1 / (load * servers), num_requests))
    services_s = draw_service_s(random, num_requests)
    free_s, waits_s = [0.0] * servers, []
    for arrival_s, service_s in zip(arrivals_s.tolist(), services_s.tolist(), strict=True):
        begin_s = max(arrival_s, free_s[0])
        heapq.heapreplace(free_s, begin_s + service_s)
        waits_s.append(begin_s - arrival_s)
    settled = waits_s[num_requests // 10 :]
    return float(np.mean(settled)), float(np.quantile(settled, 0.99))


def alike(_random, number):
    return np.ones(number)


def exponential(random, number):
    return random.exponential(1.0, number)


def lognormal_of_scv(scv):
    spread = math.sqrt(math.log(1 + scv))
    return lambda random, number: random.lognormal(-(spread**2) / 2, spread, number)


# DistServe (arXiv 2401.09670), physics E4: R requests/s of D seconds each.


@pytest.mark.parametrize(("rate", "duration"), [(1.0, 0.5), (3.0, 0.25), (0.2, 0.1)])
def test_distserve_one_instance(rate, duration):
    ttft = duration + rate * duration**2 / (2 * (1 - rate * duration))
    assert duration + queue_wait(1, rate, duration).mean_s == pytest.approx(ttft, rel=1e-12)


@pytest.mark.parametrize(("rate", "duration"), [(1.0, 0.5), (6.0, 0.3), (0.2, 0.1)])
def test_distserve_two_way_pipeline(rate, duration):
    # A stage takes half as long, and the next request may enter when the first stage is free.
    ttft = duration + rate * duration**2 / (4 * (2 - rate * duration))
    assert duration + queue_wait(1, rate, duration / 2).mean_s == pytest.approx(ttft, rel=1e-12)


@pytest.mark.parametrize(("rate", "duration", "speed_up"), [(1.0, 0.5, 1.7), (6.0, 0.25, 1.9)])
def test_distserve_tensor_parallel(rate, duration, speed_up):
    ttft = duration / speed_up + rate * duration**2 / (2 * speed_up * (speed_up - rate * duration))
    taken = duration / speed_up
    assert taken + queue_wait(1, rate, taken).mean_s == pytest.approx(ttft, rel=1e-12)


@pytest.mark.parametrize("scv", [0.0, 0.5, 1.0, 4.0])
def test_one_server_is_pollaczek_khinchine(scv):
    assert queue_wait(1, 0.8, 1.0, scv).mean_s == pytest.approx((1 + scv) / 2 * 0.8 / (1 - 0.8), rel=1e-12)


def test_exponential_services_of_one_server_wait_exponentially():
    # P(W > t) = r exp(-(1 - r) t) = 0.01.
    assert queue_wait(1, 0.8, 1.0, 1.0).p99_s == pytest.approx(math.log(0.8 / 0.01) / 0.2, rel=1e-12)


def test_two_exponential_servers():
    # C(2, a) = a^2 / (2 + a); E[W] = C / (2 - a), a = 1.5.
    late = 1.5**2 / 3.5
    wait = queue_wait(2, 1.5, 1.0, 1.0)
    assert wait.mean_s == pytest.approx(late / 0.5, rel=1e-12)
    assert wait.p99_s == pytest.approx(math.log(late / 0.01) / 0.5, rel=1e-12)


def test_erlang_b_is_its_recursion():
    blocked = 1.0
    for servers in range(1, 200):
        blocked = 150.0 * blocked / (servers + 150.0 * blocked)
        assert erlang_b(servers, 150.0) == pytest.approx(blocked, rel=1e-10)


def test_a_hundred_thousand_servers():
    # The recursion is stable too; that many are enough to overflow factorials and powers.
    offered, inverse = 99_800.0, 1.0
    for servers in range(1, 100_001):
        inverse = 1 + servers / offered * inverse
    assert erlang_b(100_000, offered) == pytest.approx(1 / inverse, rel=1e-9)
    assert 0 < erlang_c(100_000, offered) < 1
    assert erlang_c(100_000, 1.0) == 0.0


def test_short_waits_of_one_deterministic_server_have_a_closed_form():
    # P(W <= t) = (1 - r) e^(r t) for t < 1 service.
    load = 0.1
    assert queue_wait(1, load, 1.0).p99_s == pytest.approx(math.log(0.99 / (1 - load)) / load, rel=1e-9)


def test_series_and_dominant_pole_of_one_deterministic_server_meet():
    # About where the tail at 8 services passes 1 %; a percentile that jumps there would be off on one side.
    loads_around = np.linspace(0.74, 0.77, 61)
    found = [queue_wait(1, load, 1.0).p99_s for load in loads_around]
    assert found[0] < 8 < found[-1]
    growth = np.diff(found)
    assert (growth > 0).all()
    assert np.diff(growth) == pytest.approx(np.diff(growth).mean(), rel=0.2)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_deterministic_server_as_simulated(load):
    # Lindley's recursion W' = max(0, W + S - A) as a running minimum, over 4 M requests: noise is about 1 %.
    walk = np.concatenate(([0.0], np.cumsum(1 - np.random.default_rng(1).exponential(1 / load, 4_000_000))))
    waits = walk - np.minimum.accumulate(walk)
    mean_s, p99_s = waits.mean(), np.quantile(waits, 0.99)
    wait = queue_wait(1, load, 1.0)
    assert wait.mean_s == pytest.approx(mean_s, rel=0.02)
    assert wait.p99_s == pytest.approx(p99_s, rel=0.02)


@pytest.mark.parametrize(
    ("servers", "load", "scv", "off"),
    # For exponential services the formulas are exact, and what is left is the simulation's noise.
    [
        (4, 0.8, 1.0, 0.05),
        (4, 0.8, 0.0, 0.05),
        (16, 0.9, 0.0, 0.10),
        (2, 0.7, 0.0, 0.05),
        (4, 0.8, 0.5, 0.05),
        (8, 0.85, 0.25, 0.10),
        (4, 0.8, 2.0, 0.15),
    ],
)
def test_many_servers_as_simulated(servers, load, scv, off):
    draw = {0.0: alike, 1.0: exponential}.get(scv, lognormal_of_scv(scv))
    mean_s, p99_s = simulated(servers, load, draw)
    wait = queue_wait(servers, load * servers, 1.0, scv)
    assert wait.mean_s == pytest.approx(mean_s, rel=off)
    # The exponential tail is too heavy for steady services, by up to 15 %, and too light for long-tailed ones.
    assert (0.85 if scv > 1 else 0.95) <= wait.p99_s / p99_s <= 1.15


@LAW
@given(servers=servers_drawn, load=loads, more=st.floats(1e-3, 1), scv=scvs)
def test_more_arrivals_never_wait_less(servers, load, more, scv):
    calm = queue_wait(servers, load * servers, 1.0, scv)
    busy = queue_wait(servers, min(load * (1 + more), 0.9999) * servers, 1.0, scv)
    assert busy.mean_s >= calm.mean_s * (1 - 1e-9)
    assert busy.p99_s >= calm.p99_s * (1 - 1e-9)


@LAW
@given(servers=servers_drawn, load=loads, scv=scvs)
def test_one_more_server_never_makes_them_wait_longer(servers, load, scv):
    few, more = (queue_wait(number, load * servers, 1.0, scv) for number in (servers, servers + 1))
    assert more.mean_s <= few.mean_s * (1 + 1e-9)


@LAW
@given(servers=servers_drawn, load=loads, scv=st.floats(0, 9), more=st.floats(0, 9))
def test_steadier_services_never_wait_longer(servers, load, scv, more):
    steady, varied = (queue_wait(servers, load * servers, 1.0, value) for value in (scv, scv + more))
    assert steady.mean_s <= varied.mean_s * (1 + 1e-9)


@LAW
@given(servers=servers_drawn, load=loads, scv=scvs, scale=st.floats(1e-6, 1e6))
def test_waits_scale_with_the_clock(servers, load, scv, scale):
    assume(servers > 1 or scv > 0)
    one, scaled = queue_wait(servers, load * servers, 1.0, scv), queue_wait(servers, load * servers / scale, scale, scv)
    assert scaled.mean_s == pytest.approx(one.mean_s * scale, rel=1e-6, abs=1e-12 * scale)
    assert scaled.p99_s == pytest.approx(one.p99_s * scale, rel=1e-6, abs=1e-6 * scale)


@LAW
@given(servers=servers_drawn, load=loads, scv=scvs)
def test_the_greatest_rate_is_where_the_waits_still_hold(servers, load, scv):
    limit = queue_wait(servers, load * servers, 1.0, scv)
    rate = greatest_rate(servers, 1.0, scv, limit.mean_s, limit.p99_s)
    held = queue_wait(servers, rate, 1.0, scv)
    assert rate >= load * servers * (1 - 1e-6)
    assert held.mean_s <= limit.mean_s
    assert held.p99_s <= limit.p99_s


def test_the_greatest_rate_is_not_exceeded():
    rate = greatest_rate(4, 0.5, 0.3, most_mean_s=0.2, most_p99_s=1.0)
    beyond = queue_wait(4, rate * 1.000001, 0.5, 0.3)
    assert beyond.mean_s > 0.2 or beyond.p99_s > 1.0


def test_the_greatest_rate_of_one_deterministic_server_has_a_closed_form():
    # r / (2 (1 - r)) = w  =>  r = 2 w / (1 + 2 w).
    assert greatest_rate(1, 1.0, most_mean_s=2.0) == pytest.approx(0.8, rel=1e-12)


def test_without_limits_the_servers_are_almost_saturated():
    assert 0.999999 * 8 < greatest_rate(8, 1.0) < 8


def test_a_saturated_server_waits_for_ever():
    assert queue_wait(2, 2.0, 1.0).mean_s == queue_wait(2, 5.0, 1.0).p99_s == math.inf


def test_nobody_waits_where_nobody_comes():
    assert queue_wait(3, 0.0, 1.0).p99_s == queue_wait(3, 5e-324, 1.0).mean_s == queue_wait(1, 1.0, 0.0).mean_s == 0.0


def test_percentiles_are_not_below_what_ninety_nine_of_a_hundred_see():
    found = [queue_wait(1, load, 1.0).p99_s for load in (0.009, 0.0101, 0.5, 0.99, 0.99999)]
    assert found[0] == 0
    assert all(before < after for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((0, 1.0, 1.0, 0.0), "servers"),
        ((1, -1.0, 1.0, 0.0), "arrivals_per_s"),
        ((1, math.nan, 1.0, 0.0), "arrivals_per_s"),
        ((1, 1.0, math.inf, 0.0), "service_s"),
        ((1, 1.0, 1.0, -0.5), "scv"),
    ],
)
def test_unsound_figures_are_refused(arguments, field):
    with pytest.raises(InputError, match=field):
        queue_wait(*arguments)


def test_unsound_limits_are_refused():
    with pytest.raises(InputError, match="most_p99_s"):
        greatest_rate(1, 1.0, most_p99_s=math.nan)
    with pytest.raises(InputError, match="service_s"):
        greatest_rate(1, 0.0)
