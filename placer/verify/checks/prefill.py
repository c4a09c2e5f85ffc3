"""Check `prefill`: what groups that prefill hold, how long prompts take them, and how long prompts wait."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.service import FirstToken
from placer.verify.compare import DERIVED, EXACT, Figure, Tolerance, mismatch
from placer.verify.finding import Finding
from placer.verify.service import PoolView, ServiceView

NAME = "prefill"
WHAT = (
    "memory, times of stages and chunks, KV transfer over the ports, rates, load and waits of the groups that prefill"
)
_NOISE = 1e-9
#: Waits amplify float noise of the load by the number of servers, and end where nobody waits.
WAIT = Tolerance(below=1e-5, above=1e-5, absolute=1e-9)


def check_prefill(view: ServiceView) -> Iterator[Finding]:
    """Yield figures of prefill pools that do not follow from their shapes, chunks and groups."""
    for index, pool in enumerate(view.pools):
        where = f"phases.prefill[{index}]"
        rate = view.requests_per_s * view.pool_shares[index]
        yield from _check_memory(where, pool)
        yield from _check_ports(where, pool)
        for field, found, exact, unit in (
            ("prompt_s", pool.pool.prompt_s, pool.servers.service_s, "s"),
            ("prompts_per_s", pool.pool.prompts_per_s, rate, "1/s"),
            ("load", pool.pool.load, pool.servers.load(rate), ""),
        ):
            yield from mismatch(NAME, Figure(f"{where}.{field}", found, exact, unit), DERIVED)
        yield from first_token_findings(NAME, where, pool.pool.first_token, view.first_tokens[index])


def first_token_findings(check: str, where: str, found: FirstToken, exact: FirstToken) -> Iterator[Finding]:
    """Yield parts of the time to first token that are not those derived anew."""
    for field in FirstToken.model_fields:
        tolerance = WAIT if field.startswith("wait") else DERIVED
        figure = Figure(f"{where}.first_token.{field}", getattr(found, field), getattr(exact, field), "s")
        yield from mismatch(check, figure, tolerance)


def _check_memory(where: str, pool: PoolView) -> Iterator[Finding]:
    held, device = pool.held, pool.group.device
    if not held.fits(device, held.items):
        usable = device.usable_bytes + (device.usable_cache_bytes if device.is_split else 0)
        yield Finding(
            check=NAME,
            where=f"{where}.held_bytes",
            message=f"more than {pool.group.device.name} has",
            expected=f"at most {usable} B",
            found=f"{held.total:.0f} B",
        )
    rounded = Tolerance(below=1e-9, above=1e-9 + held.items / held.total) if held.total else EXACT
    yield from mismatch(NAME, Figure(f"{where}.held_bytes", pool.pool.held_bytes, held.total, "B"), rounded)


def _check_ports(where: str, pool: PoolView) -> Iterator[Finding]:
    most = pool.servers.ports_per_s
    if pool.pool.prompts_per_s > most * (1 + _NOISE):
        yield Finding(
            check=NAME,
            where=f"{where}.prompts_per_s",
            message="the ports cannot send the KV cache of so many",
            expected=f"at most {most!r} 1/s",
            found=f"{pool.pool.prompts_per_s!r} 1/s",
        )
