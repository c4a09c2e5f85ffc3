"""Where the difference of two prices comes from (``docs/compare.md``).

``price = rent x step time / (3600 x users x tokens of a step x fed x sold x utilisation)`` of an output token: ``fed``
is the share of what the replicas can decode that prefill keeps up with, ``sold`` the share of that which is sold.
"""

from __future__ import annotations

from placer.compare.split import Prices, Value, product_factor, sum_factor
from placer.compare.subject import Subject
from placer.compare.time import step_parts
from placer.plan.comparison import Decomposition, PriceFactor

REQUEST, OUTPUT, INPUT = "request", "million output tokens", "million input tokens"


def decompositions(a: Subject, b: Subject) -> tuple[Decomposition, ...]:
    """Return the decompositions of all prices both plans have, what is minimised first.

    Parameters
    ----------
    a, b
        Both of the whole service, or both of decode.
    """
    if not a.is_service or not b.is_service:
        return (_decomposition(a, b, OUTPUT),)
    return tuple(_decomposition(a, b, per) for per in (REQUEST, OUTPUT, INPUT))


def price_of(subject: Subject, per: str) -> float:
    """Return a price of a plan [USD]."""
    metrics = subject.metrics
    prices = {
        REQUEST: metrics.usd_per_request,
        OUTPUT: metrics.usd_per_million_output_tokens,
        INPUT: metrics.usd_per_million_input_tokens,
    }
    return prices[per] or 0.0


def _decomposition(a: Subject, b: Subject, per: str) -> Decomposition:
    prices = Prices(price_of(a, per), price_of(b, per))
    factors = (_rent(a, b, prices), _users(a, b, prices), _step(a, b, prices), *_shares(a, b, prices, per))
    return Decomposition(
        per=per,
        a_usd=prices.a,
        b_usd=prices.b,
        ratio=prices.b / prices.a,
        difference_usd=prices.b - prices.a,
        factors=factors,
    )


def _rent(a: Subject, b: Subject, prices: Prices) -> PriceFactor:
    """Rent of all devices, by pool and use."""
    counts = (a.devices_by_use(), b.devices_by_use())
    parts = []
    for pool, use in dict.fromkeys([*counts[0], *counts[1]]):
        usd = [
            count[pool, use] * side.usd_per_device_hour(pool) if (pool, use) in count else 0.0
            for side, count in zip((a, b), counts, strict=True)
        ]
        parts.append(Value(f"{pool}, {use}", "USD/h", *usd))
    return sum_factor(prices, Value("rent", "USD/h", a.metrics.usd_per_hour, b.metrics.usd_per_hour), parts)


def _users(a: Subject, b: Subject, prices: Prices) -> PriceFactor:
    """Sequences decoded at once: devices that hold KV cache, and users of each."""
    devices = [kv_devices(side) for side in (a, b)]
    each = [side.metrics.users / count for side, count in zip((a, b), devices, strict=True)]
    parts = (Value("devices with KV cache", "", *devices), Value("users of each of these", "", *each))
    return product_factor(prices, Value("users at once", "", a.metrics.users, b.metrics.users), -1, parts)


def kv_devices(side: Subject) -> int:
    """Return how many devices hold KV cache of decoding sequences: those of groups that run attention."""
    roles = {layer.attention.role for layer in side.context.placement.layers}
    return side.replicas * sum(group.num_devices for group in side.plan.groups if group.role in roles)


def _step(a: Subject, b: Subject, prices: Prices) -> PriceFactor:
    """Step time by op class."""
    in_a, in_b = step_parts(a), step_parts(b)
    parts = [Value(name, "s", in_a.get(name, 0.0), in_b.get(name, 0.0)) for name in dict.fromkeys([*in_a, *in_b])]
    return sum_factor(prices, Value("step time", "s", a.metrics.step_time_s, b.metrics.step_time_s), parts)


def _shares(a: Subject, b: Subject, prices: Prices, per: str) -> list[PriceFactor]:
    sides = (a, b)

    def factor(name: str, values: list[float], sign: int, unit: str = "") -> PriceFactor:
        return product_factor(prices, Value(name, unit, *values), sign)

    metrics = [side.metrics for side in sides]
    workloads = [side.plan.scenario.workload for side in sides]
    factors = [
        factor("tokens of a step", [each.tokens_per_s_per_user * each.step_time_s for each in metrics], -1),
        factor(
            "share of decode that prefill feeds",
            [each.capacity_tokens_per_s / (each.users * each.tokens_per_s_per_user) for each in metrics],
            -1,
        ),
        factor(
            "share of capacity that is asked for",
            [each.tokens_per_s / each.capacity_tokens_per_s for each in metrics],
            -1,
        ),
        factor("utilisation", [each.utilisation for each in workloads], -1),
    ]
    if per == REQUEST:
        return [*factors, factor("output tokens of a request", [each.output_tokens for each in workloads], 1, "tokens")]
    if per == INPUT:
        per_output = [each.input_tokens / each.output_tokens for each in workloads]
        factors.append(factor("input tokens per output token", per_output, -1))
    return [
        *factors,
        factor(f"share of the rent that {per.split()[1]} tokens pay", [_share(side, per) for side in sides], 1),
    ]


def _share(side: Subject, per: str) -> float:
    """Return the share of the rent that output or input tokens pay."""
    phases = side.plan.phases
    if phases is None:
        return 1.0
    paid = {OUTPUT: phases.decode_usd_per_hour, INPUT: phases.prefill_usd_per_hour}[per]
    return paid / side.metrics.usd_per_hour
