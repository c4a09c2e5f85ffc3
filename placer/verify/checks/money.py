"""Check `money`: throughput, rent, power and price."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.compare import DERIVED, EXACT, Figure, Tolerance, mismatch
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "money"
WHAT = "throughput, users, rent, power, energy and price follow from devices, batch and step time"

_FIELDS: tuple[tuple[str, str, Tolerance], ...] = (
    ("usd_per_hour", "USD/h", EXACT),
    ("power_w", "W", EXACT),
    ("users", "", EXACT),
    ("tokens_per_s_per_user", "tokens/s", DERIVED),
    ("capacity_tokens_per_s", "tokens/s", DERIVED),
    ("tokens_per_s", "tokens/s", DERIVED),
    ("joules_per_token", "J", DERIVED),
    ("usd_per_million_output_tokens", "USD", DERIVED),
)


def check_money(context: Context) -> Iterator[Finding]:
    """Yield figures of the plan that do not follow from its placement."""
    yield from _tokens_per_s_per_mw(context)
    for field, unit, tolerance in _FIELDS:
        found, exact = getattr(context.metrics, field), getattr(context.recomputed, field)
        yield from mismatch(NAME, Figure(f"metrics.{field}", found, exact, unit), tolerance)


def _tokens_per_s_per_mw(context: Context) -> Iterator[Finding]:
    """Yield a wrong figure; plans written before there was one, and those that draw nothing, have none."""
    found, exact = context.metrics.tokens_per_s_per_mw, context.recomputed.tokens_per_s_per_mw
    if found is not None and exact is not None:
        yield from mismatch(NAME, Figure("metrics.tokens_per_s_per_mw", found, exact, "tokens/s per MW"), DERIVED)
    elif found is not None:
        yield Finding(check=NAME, where="metrics.tokens_per_s_per_mw", message="no power is drawn", found=repr(found))
