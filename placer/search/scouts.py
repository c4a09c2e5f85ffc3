"""A first plan from a smaller space: the same families, no sequences cut.

Cut sequences bring bounds so low that the most promising leaves hold no plan for long. Any plan closes many of them,
and those of the smaller space are plans of the larger.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placer.search.branch import FamilySearch
from placer.search.leaf import Found

#: Pieces of work of the search itself before scouts are sent, and those of scouts for each of its own from then on.
PATIENCE, EAGERNESS = 4, 16


class Scouts:
    """Searches that look for any plan, a piece of work at a time; nothing they prove counts."""

    def __init__(self, build: Callable[[], list[FamilySearch]]) -> None:
        self._build, self._calls = build, 0
        self._searches: list[FamilySearch] = []

    def advance(self, best: float) -> Found | None:
        """Do some work, unless the ``best`` price says that a plan is known, and return the plan it found, if any."""
        if np.isfinite(best):
            return None
        self._calls += 1
        if self._calls == PATIENCE:
            self._searches = self._build()
        for _ in range(EAGERNESS):
            scout = min(
                (one for one in self._searches if not one.is_done), key=lambda one: one.open_bound, default=None
            )
            if scout is None:
                return None
            scout.advance()
            if scout.found is not None:
                return scout.found
        return None
