"""Best-first branch-and-bound over groups and batches; where layers go is left to CP-SAT (`search.leaf`)."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from placer.progress import BoundMoved, Incumbent, ProgressSink
from placer.search.leaf import Found, LeafSolver
from placer.search.nodes import FIRST_CELL, HOST_NODE, LAST_CELL, LEAST_FLIGHT, SIDE_NODE, Family, Integers, NodeBounds
from placer.search.params import SolveParams
from placer.search.sizing.build import Candidate
from placer.search.split import is_leaf, split

#: Leaves settled after every wave of nodes, so that good plans come early and prune.
LEAVES_PER_WAVE = 2
#: Nodes followed, and leaves settled, when diving for a first plan.
BEAM_WIDTH, DIVE_LEAVES = 256, 24


@dataclass(frozen=True)
class Result:
    """What a search of one family found and proved.

    Attributes
    ----------
    found
        The cheapest plan below the price it started from, if any.
    bound
        No plan of the family costs less, US dollars per million tokens; inf if there is none.
    num_nodes, num_leaves
        Nodes bounded and CP-SAT leaves settled.
    """

    found: Found | None
    bound: float
    num_nodes: int
    num_leaves: int


class FamilySearch:
    """Searches the replicas of one family."""

    def __init__(
        self, family: Family, bounds: NodeBounds, leaves: LeafSolver, limits: tuple[int, int], params: SolveParams
    ) -> None:
        self._family, self._bounds, self._leaf_solver, self._params = family, bounds, leaves, params
        max_microbatches, self._max_rank_batch = limits
        last = len(family.host.sizes) - 1
        side = 0 if family.side is None else 1
        root: Integers = np.array([[1, side, 1, max_microbatches, 0, last]], dtype=np.int64)
        self._nodes, self._values = root, bounds.bound(root, np.inf)
        self._leaves: list[tuple[float, int, Candidate]] = []
        self._number = count()
        self._found: Found | None = None
        self._price = np.inf
        self._closed = np.inf
        self._num_nodes, self._num_leaves = 1, 0

    @property
    def _cutoff(self) -> float:
        """Nothing that costs at least this much need be looked at."""
        return self._price * (1.0 - self._params.relative_gap)

    @property
    def _open_bound(self) -> float:
        nodes = float(self._values.min()) if len(self._values) else np.inf
        return min(nodes, self._leaves[0][0] if self._leaves else np.inf)

    def run(self, price: float, deadline: float, sink: ProgressSink) -> Result:
        """Search until nothing cheaper is left or the deadline passes.

        Parameters
        ----------
        price
            A plan of this price is known already; only cheaper ones are of interest.
        deadline
            On the clock of `time.monotonic`.
        sink
            Told of better plans and of the bound.
        """
        started, self._price = time.monotonic(), price
        for _ in self._rounds():
            if self._open_bound >= self._cutoff or time.monotonic() > deadline:
                break
            elapsed = time.monotonic() - started
            sink(BoundMoved(min(self._open_bound, self._closed), len(self._nodes) + len(self._leaves), elapsed))
            if self._found is not None:
                sink(Incumbent(self._price, elapsed))
        bound = min(self._open_bound, self._closed)
        return Result(self._found, bound, self._num_nodes, self._num_leaves)

    def _rounds(self) -> Iterator[None]:
        """Expand and settle, best first, one piece of work at a time."""
        yield
        self._dive()
        yield
        while len(self._values) or self._leaves:
            if self._leaves and (not len(self._values) or self._leaves[0][0] <= self._values.min()):
                self._settle_next()
            else:
                self._expand()
                for _ in range(LEAVES_PER_WAVE):
                    if self._leaves and self._leaves[0][0] < self._cutoff:
                        self._settle_next()
            yield

    def _dive(self) -> None:
        """Look for a good plan early: follow the most promising nodes down, without closing anything."""
        nodes, values = self._nodes, self._values
        leaves: list[tuple[float, int, Candidate]] = []
        while len(nodes):
            children = split(self._family, nodes)
            values = self._bounds.bound(children, self._cutoff)
            leaf = is_leaf(self._family, children)
            for node, value in zip(children[leaf], values[leaf], strict=True):
                candidate = self._candidate(node)
                if candidate is not None and value < self._cutoff:
                    leaves.append((float(value), len(leaves), candidate))
            inner = np.flatnonzero(~leaf & (values < self._cutoff))
            best = inner[np.argsort(values[inner], kind="stable")[:BEAM_WIDTH]]
            nodes = children[best]
        for bound, _, candidate in sorted(leaves)[:DIVE_LEAVES]:
            for size in dict.fromkeys((candidate.most, candidate.least)):
                if bound < self._cutoff:
                    settled = self._leaf_solver.settle(replace(candidate, least=size, most=size), self._cutoff)
                    self._take(settled.found)

    def _take(self, found: Found | None) -> None:
        if found is not None and found.usd_per_million_tokens < self._price:
            self._found, self._price = found, found.usd_per_million_tokens

    def _close(self, bound: float) -> None:
        self._closed = min(self._closed, bound)

    def _expand(self) -> None:
        """Split the most promising nodes, bound the halves, keep those that may hold a cheaper plan."""
        order = np.argsort(self._values, kind="stable")
        chosen, rest = order[: self._params.node_limit], order[self._params.node_limit :]
        children = split(self._family, self._nodes[chosen])
        cutoff = self._cutoff
        values = self._bounds.bound(children, cutoff)
        self._num_nodes += len(children)
        nodes = np.concatenate([self._nodes[rest], children])
        values = np.concatenate([self._values[rest], values])
        keep = values < cutoff
        self._close(float(values[~keep].min(initial=np.inf)))
        nodes, values = nodes[keep], values[keep]
        leaf = is_leaf(self._family, nodes)
        for node, value in zip(nodes[leaf], values[leaf], strict=True):
            self._push(float(value), self._candidate(node))
        self._nodes, self._values = nodes[~leaf], values[~leaf]

    def _push(self, bound: float, candidate: Candidate | None) -> None:
        if candidate is not None:
            heapq.heappush(self._leaves, (bound, next(self._number), candidate))

    def _candidate(self, node: Integers) -> Candidate | None:
        """Return the candidate of a leaf node, or None if no batch size of its cell suits the host's ranks."""
        host, side = self._family.host, self._family.side
        shape = host.shapes[node[HOST_NODE] - host.first_leaf]
        first = 1 if node[FIRST_CELL] == 0 else int(host.sizes[node[FIRST_CELL] - 1]) + 1
        least = -(-first // shape.dp) * shape.dp
        most = min(int(host.sizes[node[LAST_CELL]]) // shape.dp, self._max_rank_batch) * shape.dp
        if least > most:
            return None
        sidecar = None if side is None else side.shapes[node[SIDE_NODE] - side.first_leaf]
        return Candidate(shape, sidecar, int(node[LEAST_FLIGHT]), least, most)

    def _settle_next(self) -> None:
        """Settle the most promising leaf: bound its range of sizes, solve its largest, keep the rest in two halves."""
        bound, _, candidate = heapq.heappop(self._leaves)
        self._num_leaves += 1
        if candidate.least < candidate.most:
            bound = max(bound, self._leaf_solver.bound(candidate, self._cutoff))
            if bound >= self._cutoff:
                self._close(bound)
                return
        largest = replace(candidate, least=candidate.most)
        settled = self._leaf_solver.settle(largest, self._cutoff)
        self._take(settled.found)
        self._close(max(bound, settled.bound))
        self._push_smaller(bound, candidate)

    def _push_smaller(self, bound: float, candidate: Candidate) -> None:
        """Put back the sizes below the largest, in two halves."""
        ranks = candidate.host.dp
        most = candidate.most - ranks
        if most < candidate.least:
            return
        if bound >= self._cutoff:
            self._close(bound)
            return
        middle = (candidate.least // ranks + most // ranks) // 2 * ranks
        self._push(bound, replace(candidate, most=middle))
        if middle < most:
            self._push(bound, replace(candidate, least=middle + ranks, most=most))
