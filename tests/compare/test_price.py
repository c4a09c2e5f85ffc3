"""Where a difference of prices comes from, for plans whose difference is known by hand."""

import math

import pytest

from placer.compare.compare import compare_plans

NS = 1e-9


def _factors(price):
    return {factor.name: factor for factor in price.factors}


def _parts(factor):
    return {part.name: (part.a, part.b) for part in factor.parts if part.a or part.b}


def _only(price, *names):
    """Return the factors that change the price; they must have these names."""
    changed = {factor.name: factor for factor in price.factors if abs(factor.ratio - 1.0) > 1e-9}
    assert set(changed) == set(names)
    return changed


def test_twice_the_utilisation_is_half_the_price_and_nothing_else(raw, written, metrics):
    half, full = raw("dense"), raw("dense")
    full["scenario"]["workload"]["utilisation"] = 1.0
    full["metrics"] = metrics(step_s=64_608 * NS, users=16, usd_per_hour=2.0, power_w=400.0)
    full["bound"]["usd_per_million_output_tokens"] = 0.75 * full["metrics"]["usd_per_million_output_tokens"]
    found = compare_plans(written(half), written(full))
    assert [each.field for each in found.question.differences] == ["workload.utilisation"]
    (price,) = found.prices
    # 2 USD/h for 16 / 64.608 us = 247,648 tokens/s, of which half or all are sold.
    assert price.a_usd == pytest.approx(1e6 * 2.0 / (3600 * 0.5 * 16 / (64_608 * NS)))
    assert price.ratio == pytest.approx(0.5, rel=1e-12)
    assert _only(price, "utilisation")["utilisation"].usd == pytest.approx(price.difference_usd)


def test_a_second_replica_on_idle_devices_halves_the_price_at_the_same_rent(raw, written, two_replicas):
    found = compare_plans(written(raw("dense")), written(two_replicas()))
    assert not found.question.differences
    (price,) = found.prices
    users = _only(price, "users at once")["users at once"]
    assert price.ratio == pytest.approx(0.5, rel=1e-12)
    assert _parts(users) == {"devices with KV cache": (2, 4), "users of each of these": (8, 8)}
    rent = _factors(price)["rent"]
    # What decode pays more, idle devices pay less: 1 USD/h.
    assert _parts(rent) == {"pool, decode": (1.0, 2.0), "pool, idle in rented units": (1.0, 0.0)}
    assert rent.parts[0].ratio == pytest.approx(math.exp(1.0 / 2.0))
    assert rent.parts[0].ratio * rent.parts[1].ratio == pytest.approx(1.0)
    uses = {(use.use, use.a, use.b) for use in found.devices}
    assert uses == {("decode", 2, 4), ("idle in rented units", 2, 0), ("rented", 4, 4)}


def test_a_second_pool_that_prefills(raw, written):
    # 4 USD/h serve 28,908 requests/s, 5 USD/h serve 69,651: prefill feeds more of what the replicas could decode.
    found = compare_plans(written(raw("disaggregated")), written(raw("two_pools")))
    assert [price.per for price in found.prices] == ["request", "million output tokens", "million input tokens"]
    request, output, of_input = found.prices
    slow, quick = 0.5 / (17_296 * NS), 0.5 / (12_272 * NS)
    assert request.ratio == pytest.approx(5 / 4 * slow / (slow + quick), rel=1e-9)
    changed = _only(request, "rent", "share of decode that prefill feeds")
    assert changed["rent"].ratio == pytest.approx(1.25)
    assert _parts(changed["rent"]) == {
        "line, decode": (2.0, 2.0),
        "line, prefill": (1.0, 1.0),
        "line, idle in rented units": (1.0, 1.0),
        "quick, prefill": (0.0, 1.0),
    }
    fed = changed["share of decode that prefill feeds"]
    # Replicas could decode 237,944 requests a second.
    assert (fed.a, fed.b) == pytest.approx((28_908 / 237_944, 69_651 / 237_944), rel=1e-4)
    # Output tokens paid 8/3 of 4 USD/h, and pay 2.5 of 5.
    name = "share of the rent that output tokens pay"
    share = _only(output, "rent", "share of decode that prefill feeds", name)[name]
    assert (share.a, share.b) == pytest.approx((2 / 3, 1 / 2))
    paid = _factors(of_input)["share of the rent that input tokens pay"]
    assert (paid.a, paid.b) == pytest.approx((1 / 3, 1 / 2))


def test_chunks_of_prompts_are_a_part_of_the_step(raw, written):
    found = compare_plans(written(raw("colocated")), written(raw("disaggregated")))
    parts = {part.name: part for part in found.time}
    assert parts["chunks of prompts"].a_s == pytest.approx(5_404 * NS)
    assert parts["chunks of prompts"].b_s is None
    assert sum(part.a_s or 0.0 for part in found.time) == pytest.approx(22_412 * NS)


def test_of_a_service_and_of_decode_alone_decode_is_compared(raw, written):
    alone, service = raw("pipeline"), raw("disaggregated")
    found = compare_plans(written(alone), written(service))
    assert found.question.decode_only
    (price,) = found.prices
    assert price.per == "million output tokens"
    decode = service["phases"]["decode"]["metrics"]["usd_per_million_output_tokens"]
    assert price.b_usd == decode
    assert found.proof.standing == "not compared"
