"""From simulation back to sizing: where a plan's law does not hold, others are sized and simulated.

The search ranks plans by the law, a lower bound on their step times, so its proof stands. What a plan achieves
comes from simulation. Where that is worse than the law by more than the gap asked for, or misses the target, the
plan's groups are sized again: with other numbers of microbatches in flight and fewer stages, each at the largest batch
whose *simulated* step meets the target. The size of the search limits how much of that is done, not the clock unless
the budget is spent, so that plans stay repeatable.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from placer.cost.shape import GroupShape
from placer.planner.rescore import Achieved, Rescorer, Worse
from placer.search.leaf import Found
from placer.search.params import SolveParams
from placer.search.sizing.build import Candidate
from placer.search.solve import Searcher

#: Instructions that sizing again may simulate: so many, and so many more for every box the search bounded.
LEAST_WORK, WORK_PER_NODE = 600_000, 6
#: What sizing one candidate counts for: of one group, which is cut exactly, and of two, which takes CP-SAT.
ONE_GROUP_WORK, TWO_GROUPS_WORK = 1_000, 50_000
#: Looks at one number of microbatches, and sizes asked of the law for each.
MOST_LOOKS, MOST_SIZES = 4, 5
#: How near to the step asked for a size need come.
NEAR_ENOUGH = 0.01
#: Times a plan that misses its target is made smaller by a quarter before it is given up.
MOST_CUTS = 16
#: Differences below this are none.
NOISE = 1e-9


@dataclass(frozen=True)
class Held:
    """The best plan that holds when simulated, if any, and how many were simulated."""

    achieved: Achieved | None
    num_simulated: int


def hold_up(
    searcher: Searcher,
    founds: Sequence[Found],
    params: SolveParams,
    num_nodes: int,
    deadline: float,
    passed: Sequence[Found] = (),
) -> Held:
    """Return the cheapest of some plans, or of others sized like them, by what they achieve when simulated.

    Parameters
    ----------
    searcher
        Sizes candidates.
    founds
        Plans by the law, one of every family.
    params
        The gap within which a simulated price is as good as the law's.
    num_nodes
        Boxes the search bounded.
    deadline
        On the clock of `time.monotonic`: when to stop sizing at the latest.
    passed
        Plans the search found before better ones: what is dearer by the law may still hold.
    """
    sizer = _Sizer(searcher, LEAST_WORK + WORK_PER_NODE * num_nodes, deadline)
    ranked = sorted(founds, key=lambda found: found.value)
    for found in ranked:
        if found.value < sizer.price:
            sizer.look_at(found)
    if ranked and sizer.price > ranked[0].value * (1.0 + max(params.relative_gap, NOISE)):
        sizer.look_back(passed)
        for found in ranked:
            sizer.vary(found)
        for found in ranked:
            if sizer.best is None:
                sizer.cut(found)
    return Held(sizer.best, sizer.rescorer.num_simulated)


class _Sizer:
    """Sizes plans like those found, and keeps the cheapest that holds."""

    def __init__(self, searcher: Searcher, work: int, deadline: float) -> None:
        self._searcher, self._work, self.rescorer = searcher, work, Rescorer(searcher)
        self._deadline = deadline
        self._target_s = searcher.cost.scenario.target.step_time_s
        self.best: Achieved | None = None

    @property
    def price(self) -> float:
        """Price of the best plan that holds; inf without one."""
        return np.inf if self.best is None else self.best.found.value

    @property
    def _is_spent(self) -> bool:
        return self.rescorer.num_instructions >= self._work or time.monotonic() > self._deadline

    def look_at(self, found: Found) -> float:
        """Simulate a plan, keep it if it is the best so far, and return its step."""
        score = self.rescorer.score(found, self.price)
        if isinstance(score, Worse):
            return score.step_s
        self.best = score
        return score.found.step_s

    def look_back(self, passed: Sequence[Found]) -> None:
        """Simulate plans that were passed by others, as long as their law is below the best price."""
        for found in sorted(passed, key=lambda found: found.value):
            if found.value < self.price and not self._is_spent:
                self.look_at(found)

    def vary(self, found: Found) -> None:
        """Try the same layout at smaller sizes, then other layouts, other numbers of microbatches and fewer stages."""
        self._shrink(found)
        tokens = found.candidate.most * found.candidate.in_flight
        for candidate in _variants(self._searcher, found.candidate):
            self._size(candidate, tokens / candidate.in_flight)

    def _shrink(self, found: Found) -> None:
        """Look for the largest size at which a layout holds."""
        ranks, holds, fails = found.candidate.host.dp, 0, found.candidate.most
        step_s = self.look_at(found)
        if step_s <= self._target_s:
            return
        for _ in range(MOST_LOOKS):
            size = _whole(fails * self._target_s / step_s, ranks) if not holds else _whole((holds + fails) / 2, ranks)
            size = max(holds + ranks, min(size, fails - ranks))
            smaller = None if self._is_spent or size >= fails else self._searcher.resized(found, size)
            if smaller is None or smaller.value >= self.price:
                return
            step_s = self.look_at(smaller)
            holds, fails = (size, fails) if step_s <= self._target_s else (holds, size)

    def cut(self, found: Found) -> None:
        """Make a plan smaller until it holds."""
        candidate, ranks = found.candidate, found.candidate.host.dp
        for _ in range(MOST_CUTS):
            smaller = _whole(0.75 * candidate.most, ranks)
            if smaller == candidate.most or self.best is not None:
                return
            candidate = dataclasses.replace(candidate, least=smaller, most=smaller)
            settled = self._searcher.settle(candidate, np.inf)
            if settled is not None:
                self.look_at(settled)

    def _size(self, candidate: Candidate, size: float) -> None:
        """Simulate a candidate at the largest size whose law meets the target, then at sizes nearer to what holds."""
        law_s, ranks = self._target_s, candidate.host.dp
        holds, fails = 0, (self._searcher.cost.scenario.space.max_rank_batch + 1) * ranks
        for _ in range(MOST_LOOKS):
            found = self._largest(candidate, size, law_s, (holds, fails))
            if found is None or found.value >= self.price:
                return
            step_s = self.look_at(found)
            if step_s <= self._target_s:
                holds = found.candidate.most
            else:
                fails = found.candidate.most
            if fails - holds <= ranks:
                return
            scale = self._target_s / step_s
            law_s, size = min(found.step_s * scale, self._target_s), found.candidate.most * scale

    def _largest(self, candidate: Candidate, size: float, law_s: float, within: tuple[int, int]) -> Found | None:
        """Return the plan of about the largest size whose law takes at most ``law_s``; None if none was met.

        Sizes lie strictly between those of ``within``.
        """
        ranks, best = candidate.host.dp, None
        low, high = within
        points: list[tuple[int, float]] = []
        for _ in range(MOST_SIZES):
            whole = min(max(_whole(size, ranks), low + ranks), high - ranks)
            if whole <= low:
                break
            if self._is_spent:
                break
            self._work -= ONE_GROUP_WORK if candidate.side is None else TWO_GROUPS_WORK
            found = self._searcher.settle(dataclasses.replace(candidate, least=whole, most=whole), np.inf)
            if found is None or found.step_s > law_s:
                high = whole
            else:
                low, best = whole, found
                if found.step_s >= law_s * (1.0 - NEAR_ENOUGH):
                    break
            points += [(whole, found.step_s)] if found is not None else []
            size = _next_size(points, law_s) if found is not None else 0.75 * whole
        return best


def _whole(size: float, ranks: int) -> int:
    return max(1, int(size) // ranks) * ranks


def _next_size(points: list[tuple[int, float]], step_s: float) -> float:
    """Return the size at which a line through the last two steps, or the origin and the last, takes so long."""
    now, later = points[-1]
    before, earlier = points[-2] if len(points) > 1 and points[-2][1] != later else (0, 0.0)
    return now + (step_s - later) * (now - before) / (later - earlier)


def _variants(searcher: Searcher, candidate: Candidate) -> Iterator[Candidate]:
    """Yield a candidate, then with the next fewer and more microbatches in flight, half of them, or fewer stages."""
    for host in _hosts(searcher, candidate.host):
        shapes = (host, candidate.side) if candidate.side else (host,)
        allowed = searcher.cost.scenario.space.microbatches(shape.stages for shape in shapes)
        if host == candidate.host:
            m = candidate.in_flight
            at = allowed.index(m)
            counts = (m, *allowed[max(0, at - 1) : at + 2], *(count for count in allowed[:at] if 2 * count >= m))
        else:
            counts = (host.stages, 2 * host.stages)
        for count in dict.fromkeys(counts):
            if count in allowed:
                yield dataclasses.replace(candidate, host=host, in_flight=count)


def _hosts(searcher: Searcher, host: GroupShape) -> list[GroupShape]:
    """Return a host's shape, then those of fewer stages, as wide or with as many devices."""
    widths = {host.stages: {host.width}} | {
        stages: {host.width, host.num_devices // stages}
        for stages in {1, 2, host.stages // 2}
        if 0 < stages < host.stages
    }
    shapes = {
        shape
        for shape in searcher.shapes(host.pool)
        if shape.cuts == host.cuts and shape.width in widths.get(shape.stages, ())
    }
    return sorted(shapes, key=lambda shape: (shape != host, shape.stages, shape.width))
