"""Check `service`: requests, rent and its split, time to first token, price of a request, and what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.checks.prefill import WAIT
from placer.verify.compare import DERIVED, EXACT, Figure, Tolerance, mismatch
from placer.verify.finding import Finding
from placer.verify.service import ServiceView

NAME = "service"
WHAT = "requests served, rent and its split, TTFT, prices, the bound on a request; targets of the whole are met"
_NOISE = 1e-9

_FIELDS: tuple[tuple[str, str, Tolerance], ...] = (
    ("step_time_s", "s", DERIVED),
    ("law_step_time_s", "s", DERIVED),
    ("tokens_per_s_per_user", "tokens/s", DERIVED),
    ("tokens_per_s", "tokens/s", DERIVED),
    ("capacity_tokens_per_s", "tokens/s", DERIVED),
    ("usd_per_hour", "USD/h", EXACT),
    ("power_w", "W", EXACT),
    ("joules_per_token", "J", DERIVED),
    ("tokens_per_s_per_mw", "tokens/s per MW", DERIVED),
    ("users", "", EXACT),
    ("requests_per_s", "1/s", DERIVED),
    ("ttft_s", "s", WAIT),
    ("ttft_p99_s", "s", WAIT),
    ("usd_per_million_input_tokens", "USD", DERIVED),
    ("usd_per_million_output_tokens", "USD", DERIVED),
    ("usd_per_request", "USD", DERIVED),
)


def check_service(view: ServiceView) -> Iterator[Finding]:
    """Yield figures of the whole that do not follow from its phases, and missed targets."""
    if not view.requests_per_s:
        yield _finding("scenario.service", "no first token is there in time, however few prompts come", "> 0 1/s", 0.0)
        return
    for field, unit, tolerance in _FIELDS:
        found, exact = getattr(view.context.metrics, field), getattr(view.recomputed, field)
        if found is not None and exact is not None:
            yield from mismatch(NAME, Figure(f"metrics.{field}", found, exact, unit), tolerance)
        elif found != exact:
            yield _finding(f"metrics.{field}", "lacking, or made up", exact, found)
    names = ("prefill_usd_per_hour", "decode_usd_per_hour")
    for name, exact in zip(names, view.rents, strict=True):
        yield from mismatch(NAME, Figure(f"phases.{name}", getattr(view.phases, name), exact, "USD/h"), DERIVED)
    yield from _check_bound(view)
    yield from _check_targets(view)


def _finding(where: str, message: str, expected: object, found: object) -> Finding:
    return Finding(check=NAME, where=where, message=message, expected=str(expected), found=str(found))


def _check_bound(view: ServiceView) -> Iterator[Finding]:
    """Yield a bound on requests that output tokens do not have their share of."""
    bound, metrics = view.context.bound, view.context.metrics
    if bound.usd_per_request is None or metrics.usd_per_request is None:
        yield _finding("bound.usd_per_request", "lacking", "a figure", bound.usd_per_request)
        return
    if bound.usd_per_request > metrics.usd_per_request * (1 + _NOISE):
        yield _finding("bound.usd_per_request", "above the price", metrics.usd_per_request, bound.usd_per_request)
    if metrics.usd_per_request > 0:
        exact = bound.usd_per_request * metrics.usd_per_million_output_tokens / metrics.usd_per_request
        share = Figure("bound.usd_per_million_output_tokens", bound.usd_per_million_output_tokens, exact, "USD")
        yield from mismatch(NAME, share, DERIVED)


def _check_targets(view: ServiceView) -> Iterator[Finding]:
    """Yield targets that the figures derived anew miss."""
    target, service, exact = view.context.scenario.target, view.service, view.recomputed
    longest_s = view.context.gained * target.step_time_s
    limits = [
        ("target.tokens_per_s_per_user", "the mean step takes too long", exact.step_time_s, longest_s, "s"),
        ("service.ttft", "the first token is there too late", exact.ttft_s, service.ttft, "s"),
        ("service.ttft_p99", "the first token is there too late", exact.ttft_p99_s, service.ttft_p99, "s"),
    ]
    limits += [
        ("service.max_prefill_load", "prefill is too busy", load, service.max_prefill_load, "") for load in _loads(view)
    ]
    for where, message, value, most, unit in limits:
        if most is not None and value is not None and value > most * (1 + _NOISE):
            yield _finding(
                f"scenario.{where}", message, f"at most {most!r} {unit}".rstrip(), f"{value!r} {unit}".rstrip()
            )
    if target.tokens_per_s and exact.capacity_tokens_per_s < target.tokens_per_s * (1 - _NOISE):
        where, found = "scenario.target.tokens_per_s", f"{exact.capacity_tokens_per_s!r} tokens/s"
        yield _finding(where, "too few requests are served", f"at least {target.tokens_per_s!r} tokens/s", found)


def _loads(view: ServiceView) -> Iterator[float]:
    """Yield the load of every queue of prompts."""
    if view.colocated is not None:
        yield view.colocated.lanes.load(view.colocated.replica_prompts_per_s)
    for pool, share in zip(view.pools, view.pool_shares, strict=True):
        yield pool.servers.load(share * view.requests_per_s)
