"""Pages of the KV cache."""

from __future__ import annotations

import math

from placer.verify.recompute.group import Group


def page_tokens(group: Group) -> int:
    """Return the tokens of a page: as many as fill one on each of the ranks a sequence may be cut over."""
    return group.device.kv_page_tokens * group.shape.cp


def sequence_tokens(group: Group, context: int) -> int:
    """Return the tokens of the pages a sequence takes."""
    page = page_tokens(group)
    return math.ceil(context / page) * page
