"""Check `sequences`: every sequence's KV shards lie with one rank, evenly dealt."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "sequences"
WHAT = "every sequence of a microbatch, and so its KV cache, lies with one data-parallel rank, evenly dealt"


def check_sequences(context: Context) -> Iterator[Finding]:
    """Yield groups whose ranks do not hold every sequence once, or unevenly."""
    total = context.batch.sequences_per_microbatch
    for role, group in context.groups.items():
        dealt = group.shape.sequences_per_rank
        where = f"groups[{role}].sequences_per_rank"
        if len(dealt) != group.data_ranks:
            yield _finding(where, "one entry per data-parallel rank", group.data_ranks, len(dealt))
            continue
        if sum(dealt) != total:
            yield _finding(where, "not every sequence lies with one rank", total, sum(dealt))
        elif max(dealt) != -(-total // group.data_ranks):
            yield _finding(where, "not evenly dealt", -(-total // group.data_ranks), max(dealt))


def _finding(where: str, message: str, expected: int, found: int) -> Finding:
    return Finding(check=NAME, where=where, message=message, expected=str(expected), found=str(found))
