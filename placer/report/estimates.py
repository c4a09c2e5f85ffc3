"""Which guesses an answer rests on, in one line."""

from __future__ import annotations

from collections.abc import Sequence

#: So many are named, the rest counted.
MOST_NAMED = 12


def estimates_line(estimates: Sequence[str]) -> str:
    """Return which guesses an answer rests on, or that it rests on none."""
    if not estimates:
        return "rests on no estimated figures"
    shown = ", ".join(estimates[:MOST_NAMED])
    more = f" and {len(estimates) - MOST_NAMED} more" if len(estimates) > MOST_NAMED else ""
    return f"rests on {len(estimates)} estimated figures: {shown}{more}"
