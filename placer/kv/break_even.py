"""Reload against recompute (physics E3): bandwidth, context and think time from which on one beats the other."""

from __future__ import annotations

from collections.abc import Callable

from placer.kv.rank import Rank
from placer.kv.tier import StorageTier
from placer.scenario.sessions import Sessions

#: Longest context looked at [tokens].
LONGEST = 2**24


def break_even_bytes_per_s(bytes_per_token: float, prefill_tokens_per_s: float) -> float:
    """Return the bandwidth at which reloading a token takes as long as computing it again (physics E3).

    Llama-3-70B in BF16 on a node that prefills 22,600 tokens/s:

    >>> break_even_bytes_per_s(327_680, 22_600) / 1e9
    7.405568
    """
    return bytes_per_token * prefill_tokens_per_s


def reload_s(rank: Rank, tier: StorageTier, context: int, compression: float) -> float:
    """Return the time until a session is back from a tier: every device reads what it keeps of it.

    What is compressed there travels compressed; decompression is not counted.
    """
    return tier.latency_s + rank.device_bytes(context) / (compression * tier.bytes_per_s)


def is_reload_faster(rank: Rank, tier: StorageTier, context: int, compression: float) -> bool:
    """Return whether reloading takes less time than computing again; a tie is a reload, which leaves devices free."""
    return reload_s(rank, tier, context, compression) <= rank.recompute_s(context)


def break_even_context(holds: Callable[[int], bool], page_tokens: int, longest: int = LONGEST) -> int | None:
    """Return the least context from which on something holds, in whole pages.

    Contexts of a page times powers of two are looked at from the longest down, to the first where it does not hold; the
    crossing between it and the next is found by halving.

    Parameters
    ----------
    holds
        Told a context, whether it holds.
    page_tokens
        Tokens of a page: between pages there is nothing to find.
    longest
        Longest context looked at [tokens].

    Returns
    -------
    int or None
        None where it does not hold at the longest context.

    >>> break_even_context(lambda context: context >= 1000, 16)
    1008
    """
    pages = 1
    while 2 * pages * page_tokens <= longest:
        pages *= 2
    if not holds(pages * page_tokens):
        return None
    while pages > 1 and holds(pages // 2 * page_tokens):
        pages //= 2
    if pages == 1:
        return page_tokens
    fails = pages // 2
    while pages - fails > 1:
        middle = (fails + pages) // 2
        fails, pages = (fails, middle) if holds(middle * page_tokens) else (middle, pages)
    return pages * page_tokens


def break_even_think_s(resume_s: float, sessions: Sessions, displaced_share: float) -> float | None:
    """Return the pause beyond which a session had better leave the tier ops run from.

    Holding displaces a share of the KV cache for the pause; leaving costs the time to bring the session back wherever
    what was kept is used: ``share * z = reuse * resume``.

    Parameters
    ----------
    resume_s
        Time to bring a session back, by reload or recompute [s].
    sessions
        How often what was kept is used.
    displaced_share
        Share of the room for KV cache that the session takes.

    Returns
    -------
    float or None
        Seconds; None where a session takes no room, and may stay for ever.
    """
    return sessions.reuse_rate * resume_s / displaced_share if displaced_share else None
