"""The search as a whole: every family of groups, best first, under one budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import permutations

import numpy as np

from placer.catalog.device import TierKind
from placer.cost.group import Array
from placer.cost.shape import GroupShape
from placer.cost.step_load import PLAIN, StepLoad
from placer.graph.model_graph import ModelGraph
from placer.progress import BoundMoved, Finished, Incumbent, ProgressSink, Started
from placer.scenario.scenario import Scenario
from placer.scenario.service import Mode
from placer.search.branch import THREADS, FamilySearch
from placer.search.climb import climb
from placer.search.expert_layout import PlacedLoads
from placer.search.leaf import LEAST_EFFORT, Found, LeafSolver
from placer.search.nodes import Family, NodeBounds
from placer.search.params import SolveParams
from placer.search.scouts import Scouts
from placer.search.sizing.build import Candidate, ProblemBuilder, wire_between
from placer.search.sizing.model import build_sizing_model
from placer.search.tables import CostModel, build_cost_model
from placer.search.tree import OptionTree, build_tree, without_cuts
from placer.search.value import Objective, Pricing, Valuation

#: Batch sizes up to here are cells of their own; beyond, every cell is this much larger than the last.
SINGLE_SIZES, CELL_GROWTH = 8, 1.1


class Stop(StrEnum):
    """Why a search ended."""

    PROVEN = "gap reached"
    EXHAUSTED = "nothing left to search"
    FIRST_FOUND = "a plan was found"
    BUDGET = "out of time"


class Layouts(StrEnum):
    """What leaves are settled with: expert loads of a layout, or those that no layout can avoid.

    The second is a relaxation: its plans need not exist, but its bound holds, and no layer is laid out for it.
    """

    PLACED = "placed"
    RELAXED = "relaxed"


@dataclass(frozen=True)
class SearchResult:
    """What a search found and proved.

    Attributes
    ----------
    found
        The best plan, if any.
    bound
        No plan of the families searched has a lower value; inf if there is none.
    stop
        Why it ended.
    num_nodes, num_leaves
        Nodes bounded, and leaves settled.
    passed
        Plans that were the best until a better one was found.
    """

    found: Found | None
    bound: float
    stop: Stop
    num_nodes: int
    num_leaves: int
    passed: tuple[Found, ...] = ()


class Searcher:
    """Searches one scenario, its targets in steps; tables are built once and serve several searches."""

    def __init__(
        self,
        scenario: Scenario,
        model: ModelGraph,
        params: SolveParams,
        layouts: Layouts = Layouts.PLACED,
        prices: Pricing | None = None,
        step: StepLoad = PLAIN,
    ) -> None:
        self._scenario, self._params = scenario, params
        self.cost: CostModel = build_cost_model(scenario, model, step=step)
        is_even = all(loads is None or loads.is_even for loads in self.cost.loads)
        is_relaxed = is_even or layouts is Layouts.RELAXED
        placed = None if is_relaxed else build_cost_model(scenario, model, PlacedLoads, step)
        self.placed_cost = placed or self.cost
        self.builder = ProblemBuilder(self.cost, placed)
        drafts = None if step.beside is None else step.beside.pool
        prices = prices or Valuation(scenario)
        sizes = batch_grid(self.cost)
        self._trees: dict[str, OptionTree] = {}
        for pool in (each for each in scenario.fleet.pools if each.name != drafts):
            tree = build_tree(self.cost, pool.name, prices, sizes)
            if tree is not None:
                self._trees[pool.name] = tree
        self.prices: Pricing = prices if step.beside is None else Valuation(scenario, step.beside)

    @property
    def pool_names(self) -> tuple[str, ...]:
        """Pools of the fleet."""
        return tuple(pool.name for pool in self._scenario.fleet.pools)

    @property
    def num_candidates(self) -> int:
        """Candidates (shapes, microbatches in flight, batch sizes) of all families, leaves of the tree of boxes."""
        shapes = {pool: len(tree.shapes) for pool, tree in self._trees.items()}
        pairs = sum(int(np.prod([shapes[pool] for pool in family])) for family in self.families())
        most = max((int(tree.sizes[-1]) for tree in self._trees.values()), default=0)
        return pairs * self._scenario.space.max_microbatches * most

    def families(self, without: frozenset[str] = frozenset()) -> tuple[tuple[str, ...], ...]:
        """Return the pools of every family: each alone, and every ordered pair that is joined by a link."""
        names = [name for name in self._trees if name not in without]
        fleet, required = self._scenario.fleet, set(self._scenario.target.required_pools)
        families: list[tuple[str, ...]] = [(name,) for name in names]
        if self._scenario.space.max_groups > 1:
            families += [pair for pair in permutations(names, 2) if fleet.cross_link(*pair) is not None]
        families = [family for family in families if required <= set(family) and self._is_allowed(family)]
        return tuple(family for family in families if self._reaches_drafter(family))

    def _reaches_drafter(self, family: tuple[str, ...]) -> bool:
        """Return whether links join all pools of a family to the one that drafts, if there is one."""
        drafter, fleet = self.cost.step.beside, self._scenario.fleet
        return drafter is None or all(fleet.cross_link(pool, drafter.pool) is not None for pool in family)

    def _is_allowed(self, family: tuple[str, ...]) -> bool:
        """Return whether no mode is forbidden that such replicas are in whatever lies where."""
        service, fleet = self._scenario.service, self._scenario.fleet
        devices = [fleet.device_of(pool) for pool in family]
        tiers = {tier.tier for device in devices for tier in (device.compute_tier, device.cache_tier)}
        return service is None or service.allows(Mode.ALL_IN_SRAM) or tiers != {TierKind.SRAM}

    def search(
        self,
        families: tuple[tuple[str, ...], ...],
        known: float,
        deadline: float,
        sink: ProgressSink,
        *,
        objective: Objective | None = None,
        first_only: Stop = Stop.PROVEN,
    ) -> SearchResult:
        """Search some families, the one with the lowest open bound first.

        Parameters
        ----------
        families
            As `families` names them.
        known
            A plan of this value is known already; only better ones are of interest.
        deadline
            On the clock of `time.monotonic`.
        sink
            Told of better plans and of the bound.
        objective
            What to make small; the price of a token by default.
        first_only
            `Stop.FIRST_FOUND` to stop at the first plan.
        """
        with ThreadPoolExecutor(THREADS) as pool:
            chosen = objective or self.prices
            make_search = partial(self._family_search, objective=chosen, pool=pool)
            searches = [make_search(pools, self._trees) for pools in families]
            scouts = Scouts(lambda: self._scouts(families, make_search))
            return self._run((searches, scouts), known, deadline, sink, first_only, chosen)

    def _scouts(self, families: tuple[tuple[str, ...], ...], make: Callable[..., FamilySearch]) -> list[FamilySearch]:
        """Return searches of the families without cut sequences; none where that is no smaller space."""
        trees = {pool: without_cuts(tree) for pool, tree in self._trees.items()}
        smaller = {pool for pool, tree in self._trees.items() if trees[pool] is not tree}
        return [make(pools, trees) for pools in families if smaller & set(pools)]

    def _run(
        self,
        work: tuple[list[FamilySearch], Scouts],
        known: float,
        deadline: float,
        sink: ProgressSink,
        first_only: Stop,
        objective: Objective,
    ) -> SearchResult:
        started, (searches, scouts) = time.monotonic(), work
        sink(Started(tuple("+".join(search.pools) for search in searches), self.num_candidates))
        found, best, stop = None, known, Stop.EXHAUSTED
        floor = self._params.floor * self.cost.step.gained if objective is self.prices else 0.0
        passed: list[Found] = []
        for search in searches:
            search.undercut(best)
        while True:
            running = min(
                (search for search in searches if not search.is_done),
                key=lambda one: one.open_bound,
                default=None,
            )
            if running is None or best * (1.0 - self._params.relative_gap) <= floor:
                stop = Stop.PROVEN if np.isfinite(best) else Stop.EXHAUSTED
                break
            if time.monotonic() > deadline:
                stop = Stop.BUDGET
                break
            running.advance()
            better = running.found or scouts.advance(best)
            elapsed = time.monotonic() - started
            if better is not None and better.value < best:
                passed += [found] if found is not None else []
                *met, better = self._climbed(better, objective)
                passed += met
                found, best = better, better.value
                sink(Incumbent(best, elapsed))
                for search in searches:
                    search.undercut(best)
                if first_only is Stop.FIRST_FOUND:
                    stop = Stop.FIRST_FOUND
                    break
            sink(BoundMoved(_least_bound(searches), sum(search.num_open for search in searches), elapsed))
        sink(Finished(str(stop), time.monotonic() - started))
        return SearchResult(
            found,
            max(_least_bound(searches), floor),
            stop,
            sum(search.num_nodes for search in searches),
            sum(search.num_leaves for search in searches),
            tuple(passed),
        )

    def _climbed(self, found: Found, objective: Objective) -> list[Found]:
        """Return ever better plans near one of two groups that share a fleet with prefill.

        Those of one group are quick to search, and without prefill good plans come early anyway.
        """
        if found.candidate.side is None or self._scenario.service is None:
            return [found]
        solver = self._leaf_solver(objective)
        settle = lambda candidate, price: solver.settle(candidate, price, LEAST_EFFORT).found  # noqa: E731
        return climb(found, self.shapes, self._scenario.space, settle)

    @property
    def placed_builder(self) -> ProblemBuilder:
        """Builds problems with the expert loads of a layout instead of bounds."""
        return self.builder.placed

    def shapes(self, pool: str) -> tuple[GroupShape, ...]:
        """Return every shape of the declared space that a pool's groups may take."""
        return self._trees[pool].shapes

    def settle(self, candidate: Candidate, price: float, prices: Objective | None = None) -> Found | None:
        """Return the plan of one candidate with the shortest step; None if it misses the target or costs ``price``.

        ``candidate`` has one batch size; ``prices`` are those of the search where absent.
        """
        return self._leaf_solver(prices or self.prices).settle(candidate, price).found

    def resized(self, found: Found, size: int) -> Found | None:
        """Return a plan with the same layout for another batch size; None if it does not fit or cannot be rented."""
        return self._leaf_solver(self.prices).resized(found, size)

    def largest_model(self, found: Found | None) -> int:
        """Return how many variables the sizing model of a plan has; 0 without one, or on one group."""
        if found is None or found.candidate.side is None:
            return 0
        model, _ = build_sizing_model(self.builder.exact(found.candidate))
        return len(model.proto.variables)

    def _family_search(
        self, pools: tuple[str, ...], trees: dict[str, OptionTree], objective: Objective, pool: Executor
    ) -> FamilySearch:
        side = pools[1] if len(pools) > 1 else None
        space = self._scenario.space
        family = Family(
            pools,
            trees[pools[0]],
            trees[side] if side else None,
            wire_between(self.cost, pools[0], side),
            space,
        )
        leaves = self._leaf_solver(objective)
        bounds = NodeBounds(self.cost, objective, family)
        limits = (space.max_microbatches, space.max_rank_batch)
        return FamilySearch(family, (bounds, leaves, pool), limits, self._params)

    def _leaf_solver(self, objective: Objective) -> LeafSolver:
        return LeafSolver(self.builder, objective, self._params, self._scenario.target.step_time_s)


def _least_bound(searches: list[FamilySearch]) -> float:
    return min((search.bound for search in searches), default=np.inf)


def batch_grid(cost: CostModel) -> Array:
    """Return the largest microbatch size of every cell, up to what all memory of the fleet could hold KV cache for."""
    fleet, space = cost.scenario.fleet, cost.scenario.space
    usable = sum(pool.count * fleet.device_of(pool.name).usable_cache_bytes for pool in fleet.pools)
    most = usable / max(1, cost.kv_bytes_per_sequence)
    ranks = max(pool.count for pool in fleet.pools) * space.max_rank_batch
    most = max(1.0, min(most, float(ranks)))
    sizes = [float(size) for size in range(1, SINGLE_SIZES + 1)]
    while sizes[-1] < most:
        sizes.append(float(np.ceil(sizes[-1] * CELL_GROWTH)))
    return np.array(sizes)
