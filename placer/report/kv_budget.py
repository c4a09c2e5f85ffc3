"""KV budgets of a plan, a line a group."""

from __future__ import annotations

from rich.text import Text

from placer.plan.kv import KvUse
from placer.units import format_bytes


def kv_lines(uses: tuple[KvUse, ...]) -> list[Text]:
    """Return one line per KV budget."""
    return [Text(_line(use)) for use in uses]


def _line(use: KvUse) -> str:
    used = max(use.used_tokens)
    share = f" ({used / use.capacity_tokens:.1%})" if use.capacity_tokens else ""
    copies = f", {use.copies:.3g} copies over TP" if use.copies >= 1.005 else ""
    pages = f" in pages of {use.page_tokens}" if use.page_tokens > 1 else ""
    return (
        f"KV of {use.role}, stage {use.stage}: {format_bytes(use.bytes_per_token_per_device)} a token and device "
        f"({use.layers} layers{copies}); room for {use.capacity_tokens:,} tokens{pages} in {use.tier}, "
        f"{used:,} used{share} by {used // use.sequence_tokens:,} sequences on the fullest rank"
    )
