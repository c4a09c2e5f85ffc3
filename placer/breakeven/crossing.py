"""Where a known plan breaks even as the price of its pool changes: its cost is linear in that price."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from placer.whatif.break_even import Probe
from placer.whatif.verdict import Decision

#: Share of the precision asked by which guesses stay clear of a crossing.
CLEAR = 0.4


def price_guess(pool: str, saving: float, precision: float) -> Callable[[Probe, Probe], Sequence[float]]:
    """Return a guess for the price of a pool.

    The plan found at ``p`` costs ``c (1 + s (q / p - 1))`` at price ``q``, with ``s`` the pool's share of its rent. It
    saves just enough where that is ``(1 - saving)`` of what is proven, or achieved, without the pool. Below the first
    crossing the pool pays for sure; above the second this plan does not.

    Parameters
    ----------
    pool, saving
        The pool, and what it must save.
    precision
        Relative width asked of the bracket.
    """

    def guess(low: Probe, high: Probe) -> Sequence[float]:
        paying = next((one for one in (low, high) if one.decision is Decision.PAYS), None)
        if paying is None:
            return ()
        share, cost = paying.with_pool.pool_share.get(pool, 0.0), paying.with_pool.usd
        limits = (paying.without_pool.least, paying.without_pool.usd)
        if not share or cost is None or limits[1] is None:
            return ()

        def crossing(limit: float) -> float:
            return paying.value * (1.0 + ((1.0 - saving) * limit / cost - 1.0) / share)

        clear = CLEAR * precision
        return [crossing(limits[0]) * (1.0 - clear), crossing(limits[1]) * (1.0 + clear)]

    return guess
