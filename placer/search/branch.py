"""Best-first branch-and-bound over groups and batches; where layers go is left to CP-SAT (`search.leaf`)."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from placer.cost.group import Array
from placer.search.leaf import LAST_EFFORT, LEAST_EFFORT, Found, LeafSolver, Settled
from placer.search.nodes import (
    FIRST_CELL,
    HOST_NODE,
    LAST_CELL,
    LEAST_FLIGHT,
    SIDE_NODE,
    Family,
    Integers,
    NodeBounds,
)
from placer.search.open_leaves import Leaf, OpenLeaves, first_batch, halves
from placer.search.params import SolveParams
from placer.search.sizing.build import Candidate
from placer.search.split import is_leaf, split

#: Leaves settled after every wave of nodes, so that good plans come early and prune.
LEAVES_PER_WAVE = 2
#: Threads that solve leaves and bound nodes; part of the method, not of the machine, so that plans do not depend on it.
THREADS = 2
#: Fewer nodes than this are bounded in one thread.
MANY_NODES = 512
#: Plan and bound are far apart while they differ by more than this.
FAR_GAP = 0.05
#: A plan so many times as dear as the bound is hardly better than none.
LOST = 2.0
#: So often a leaf is tried at random while they are.
STEPS_PER_TRIAL = 8
#: Leaves are bounded again when the price fell by this share.
WORTH_PRUNING = 0.005
#: Nodes followed, and leaves settled, when diving for a first plan.
BEAM_WIDTH, DIVE_LEAVES = 256, 12


class FamilySearch:
    """Searches the replicas of one family, one piece of work at a time."""

    def __init__(
        self,
        family: Family,
        solvers: tuple[NodeBounds, LeafSolver, Executor],
        limits: tuple[int, int],
        params: SolveParams,
    ) -> None:
        self._family, self._params = family, params
        self._bounds, self._leaf_solver, self._pool = solvers
        max_microbatches, self._max_rank_batch = limits
        last = len(family.host.sizes) - 1
        side = 0 if family.side is None else 1
        root: Integers = np.array([[1, side, 1, max_microbatches, 0, last]], dtype=np.int64)
        self._nodes, self._values = root, self._bounds.bound(root, np.inf)
        self._leaves = OpenLeaves()
        self._price = np.inf
        self._closed = np.inf
        self._has_dived, self._pruned_at = False, np.inf
        self._random = np.random.default_rng(params.seed)
        self.found: Found | None = None
        self.num_nodes, self.num_leaves, self._num_steps = 1, 0, 0

    @property
    def pools(self) -> tuple[str, ...]:
        """Host and sidecar."""
        return self._family.pools

    @property
    def num_open(self) -> int:
        """Nodes and leaves not closed yet."""
        return len(self._nodes) + len(self._leaves)

    @property
    def _cutoff(self) -> float:
        """Nothing that costs at least this much need be looked at."""
        return self._price * (1.0 - self._params.relative_gap)

    @property
    def open_bound(self) -> float:
        """No plan still open costs less."""
        nodes = float(self._values.min()) if len(self._values) else np.inf
        return min(nodes, self._leaves.bound)

    @property
    def bound(self) -> float:
        """No plan of the family costs less; inf if there is none."""
        return min(self.open_bound, self._closed)

    @property
    def is_done(self) -> bool:
        """Whether nothing open can be cheaper, by more than the gap asked for, than the best plan known."""
        return self.open_bound >= self._cutoff

    def undercut(self, price: float) -> None:
        """Look only for plans cheaper than one known from elsewhere."""
        self._price = min(self._price, price)

    def advance(self) -> None:
        """Do one piece of work: dive, expand, or settle a leaf."""
        if self.is_done:
            return
        if self._price < self._pruned_at * (1.0 - WORTH_PRUNING) and self._leaves:
            self._prune_leaves()
        elif not self._has_dived:
            self._has_dived = True
            self._dive()
        elif self._leaves and (not len(self._values) or self._leaves.bound <= self._values.min()):
            self._settle_next()
        else:
            self._expand()
            for _ in range(LEAVES_PER_WAVE):
                if self._leaves.bound < self._cutoff:
                    self._settle_next()

    def _dive(self) -> None:
        """Look for a good plan early: follow the most promising nodes down, without closing anything."""
        nodes, values = self._nodes, self._values
        leaves: list[tuple[float, int, Candidate]] = []
        while len(nodes):
            children = split(self._family, nodes)
            values = self._bound(children, self._cutoff)
            leaf = is_leaf(self._family, children)
            for node, value in zip(children[leaf], values[leaf], strict=True):
                candidate = self._candidate(node)
                if candidate is not None and value < self._cutoff:
                    leaves.append((float(value), len(leaves), candidate))
            inner = np.flatnonzero(~leaf & (values < self._cutoff))
            best = inner[np.argsort(values[inner], kind="stable")[:BEAM_WIDTH]]
            nodes = children[best]
        points = [
            replace(candidate, least=size, most=size)
            for _, _, candidate in sorted(leaves)[:DIVE_LEAVES]
            for size in dict.fromkeys((candidate.most, candidate.least))
        ]
        for first in range(0, len(points), THREADS):
            self._try_out(points[first : first + THREADS], LEAST_EFFORT)

    def _take(self, found: Found | None) -> None:
        if found is not None and found.value < self._price:
            self.found, self._price = found, found.value

    def _close(self, bound: float) -> None:
        self._closed = min(self._closed, bound)

    def _expand(self) -> None:
        """Split the most promising nodes, bound the halves, keep those that may hold a cheaper plan."""
        order = np.argsort(self._values, kind="stable")
        chosen, rest = order[: self._params.node_limit], order[self._params.node_limit :]
        children = split(self._family, self._nodes[chosen])
        cutoff = self._cutoff
        values = self._bound(children, cutoff)
        self.num_nodes += len(children)
        nodes = np.concatenate([self._nodes[rest], children])
        values = np.concatenate([self._values[rest], values])
        keep = values < cutoff
        self._close(float(values[~keep].min(initial=np.inf)))
        nodes, values = nodes[keep], values[keep]
        leaf = is_leaf(self._family, nodes)
        for node, value in zip(nodes[leaf], values[leaf], strict=True):
            candidate = self._candidate(node)
            if candidate is not None:
                self._leaves.push(Leaf(float(value), candidate, node, 0, first_batch(candidate, node)))
        self._nodes, self._values = nodes[~leaf], values[~leaf]

    def _bound(self, nodes: Integers, cutoff: float) -> Array:
        """Return the bounds of nodes, in two threads where there are many."""
        if len(nodes) < MANY_NODES:
            return self._bounds.bound(nodes, cutoff)
        parts = np.array_split(nodes, THREADS)
        return np.concatenate(list(self._pool.map(lambda part: self._bounds.bound(part, cutoff), parts)))

    def _prune_leaves(self) -> None:
        """Bound all leaves again, now that a cheaper plan is known."""
        self._pruned_at = self._price
        cutoff, leaves = self._cutoff, self._leaves.clear()
        again = self._bound(np.stack([leaf.node for leaf in leaves]), cutoff)
        for leaf, value in zip(leaves, again.tolist(), strict=True):
            self._keep(leaf.at_least(value))

    def _keep(self, leaf: Leaf) -> None:
        """Leave a leaf open, or close it where it holds nothing cheaper than what is known."""
        if leaf.bound < self._cutoff:
            self._leaves.push(leaf)
        else:
            self._close(leaf.bound)

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
        """Take the most promising leaves, two batches at a time: bound those of several leaves or sizes, settle others.

        Without a plan one of the two is a leaf drawn at random and tried out: any plan closes many leaves, and the most
        promising ones often hold none.
        """
        taken = [self._leaves.pop()]
        cutoff, is_trial = self._cutoff, len(self._leaves) > 0 and self._is_time_for_a_trial(taken[0][0].bound)
        if not is_trial and self._leaves.bound < cutoff:
            taken.append(self._leaves.pop())
        self.num_leaves += sum(len(batch) for batch in taken)
        trial = None
        if is_trial:
            effort = 0 if self._is_lost(taken[0][0].bound) else LEAST_EFFORT
            trial = self._pool.submit(self._leaf_solver.settle, self._draw(), cutoff, effort)
        answers = list(self._pool.map(lambda batch: self._look_at(batch, cutoff), taken))
        for batch, answer in zip(taken, answers, strict=True):
            self._digest(batch, answer)
        if trial is not None:
            self._take(trial.result().found)

    def _is_time_for_a_trial(self, bound: float) -> bool:
        """Return whether to try a leaf at random: always without a good plan, now and then while the bound is far."""
        if self._is_lost(bound):
            return True
        self._num_steps += 1
        return self._price > bound * (1.0 + FAR_GAP) and self._num_steps % STEPS_PER_TRIAL == 0

    def _is_lost(self, bound: float) -> bool:
        """Return whether no plan is known, or none that says anything of the best one."""
        return self._price > bound * LOST

    def _draw(self) -> Candidate:
        """Return one size of a leaf drawn at random; the leaf stays open."""
        candidate = self._leaves.draw(self._random).candidate
        ranks = candidate.host.dp
        sizes = (candidate.most - candidate.least) // ranks + 1
        size = candidate.least + int(self._random.integers(sizes)) * ranks
        return replace(candidate, least=size, most=size)

    def _try_out(self, points: list[Candidate], effort: int) -> None:
        """Settle some candidates side by side, only to see whether they hold a better plan."""
        cutoff = self._cutoff
        for settled in self._pool.map(lambda point: self._leaf_solver.settle(point, cutoff, effort), points):
            self._take(settled.found)

    def _look_at(self, batch: list[Leaf], cutoff: float) -> Settled:
        candidates, first = [leaf.candidate for leaf in batch], batch[0].candidate
        if len(batch) > 1 or first.least < first.most:
            return Settled(self._leaf_solver.bound(candidates, cutoff), None)
        return self._leaf_solver.settle(first, cutoff, batch[0].effort)

    def _digest(self, batch: list[Leaf], answer: Settled) -> None:
        """Close leaves, or put back what is left: two halves of a batch or of a range, or another try at one size."""
        self._take(answer.found)
        better = [leaf.at_least(answer.bound) for leaf in batch]
        if len(better) > 1:
            for half in halves(better):
                for leaf in half:
                    self._keep(leaf)
            return
        leaf, candidate = better[0], better[0].candidate
        if candidate.least < candidate.most:
            ranks = candidate.host.dp
            middle = (candidate.least // ranks + candidate.most // ranks) // 2 * ranks
            parts = replace(candidate, most=middle), replace(candidate, least=middle + ranks)
            for part in parts:
                self._keep(replace(leaf, candidate=part, batch=(part,)))
        elif not answer.is_final and leaf.effort < LAST_EFFORT:
            self._keep(replace(leaf, effort=leaf.effort + 1, batch=(candidate,)))
        else:
            self._close(leaf.bound)
