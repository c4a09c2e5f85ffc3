"""Replicas that prefill between their decode steps: every shape, chunk and batch, best first, with a bound.

A replica has one group, with a microbatch in flight for every stage. For a shape and a way to cut prompts, the price
falls and everything that limits a plan rises with the batch, so the best batch is the largest that is allowed.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from placer.cost import prefill
from placer.cost.group import Array, Group, build_group
from placer.cost.handover import reload_s
from placer.cost.mixed_step import (
    Experts,
    MixedTimes,
    Stages,
    even_stages,
    mixed_steps,
    placed,
    unstaged,
)
from placer.cost.money import SECONDS_PER_HOUR, TOKENS_PER_MILLION, Rental
from placer.cost.prefill import Chances, Holdings
from placer.cost.prompt_pass import Chunks
from placer.cost.queueing import queue_wait
from placer.cost.shape import GroupShape
from placer.graph.model_graph import ModelGraph
from placer.memo import Memo
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service
from placer.search.service.kinds import MOST_STAGES, chunkings, stage_shapes
from placer.search.value import Valuation

#: Sequences of a rank up to here are cells of their own; beyond, every cell is this much larger than the last.
SINGLE_SIZES, CELL_GROWTH = 8, 1.15
#: A prompt takes no more passes than this.
MOST_PASSES = 64


@dataclass(frozen=True)
class Way:
    """A shape and a way to cut prompts.

    Attributes
    ----------
    group, chunks
        What prefills and decodes, and how prompts pass.
    held
        What a device of it holds.
    """

    group: Group
    chunks: Chunks
    held: Holdings

    @property
    def shape(self) -> GroupShape:
        """The shape of the group."""
        return self.group.shape


@dataclass(frozen=True)
class Mixed:
    """A replica that prefills between its decode steps.

    Attributes
    ----------
    way
        Its group, and how prompts pass; as many microbatches are in flight as it has stages.
    rank_sequences
        Sequences of a microbatch on every data-parallel rank.
    times
        Of its passes, at this number of sequences.
    value
        US dollars per million output tokens.
    rental
        What is rented for it.
    """

    way: Way
    rank_sequences: int
    times: MixedTimes
    value: float
    rental: Rental

    @property
    def sequences(self) -> int:
        """Sequences of a microbatch."""
        return self.rank_sequences * self.way.shape.dp


@dataclass(frozen=True)
class _Steps:
    """Steps no plan of a shape and a way can beat, stages left out, whatever speed is asked for.

    Attributes
    ----------
    sizes : ndarray, shape (num_cells,)
        Largest batch of a rank of every cell.
    mean_s, prompt_s : ndarray, shape (num_cells,)
        Mean step, and all passes of a prompt.
    ways
        The same with every number of stages, and the most sequences of a rank there is memory for.
    """

    sizes: Array
    mean_s: Array
    prompt_s: Array
    ways: list[tuple[Way, int]]


#: Steps by question and pool.
_STEPS = Memo[list[_Steps]](8)


@dataclass(frozen=True)
class MixedResult:
    """What the search found: the cheapest plans, one for every shape and way that may be, and a bound on all."""

    founds: tuple[Mixed, ...]
    bound: float
    num_candidates: int


class MixedSearch:
    """Searches colocated replicas of a scenario."""

    def __init__(self, scenario: Scenario, model: ModelGraph, service: Service) -> None:
        self._scenario, self._model, self._service = scenario, model, service
        self._prices = Valuation(scenario)
        self._chances: Chances = scenario.workload.routing.by_layer(model.expert_layers)
        workload = scenario.workload
        new = service.new_tokens(workload.input_tokens)
        ways = [chunks for chunks in chunkings(new, workload.input_tokens - new) if chunks.prompts == 1]
        self._ways = tuple(chunks for chunks in ways if len(chunks.tokens) <= MOST_PASSES) or tuple(ways[-1:])
        self._output_tokens = workload.output_tokens

    def prompts_per_step(self, way: Chunks, sequences: Array) -> Array:
        """Return how many batches of prompts begin on a rank in a step: sequences end after their output tokens."""
        return sequences / (self._output_tokens * way.prompts)

    def search(self, known: float, gap: float, deadline: float = np.inf) -> MixedResult:
        """Return the best plans, cheaper than ``known``, and a bound on all.

        Parameters
        ----------
        known
            US dollars per million output tokens of a plan that is known.
        gap
            Relative gap between bound and best plan at which the search stops.
        deadline
            On the clock of `time.monotonic`: when it stops at the latest.
        """
        ways = [way for pool in self._scenario.fleet.pools for way in self._bounds(pool.name)]
        # Of a way, the cell of the largest batches is the cheapest.
        tops = [(float(bounds[-1]), number) for number, (_, _, bounds) in enumerate(ways)]
        tops = [top for top in tops if np.isfinite(top[0])]
        heapq.heapify(tops)
        founds: list[Mixed] = []
        best = known
        while tops and tops[0][0] < best * (1.0 - gap) and time.monotonic() < deadline:
            way, sizes, bounds = ways[heapq.heappop(tops)[1]]
            found = self._largest(way, int(sizes[len(bounds) - 1]))
            if found is not None:
                founds.append(found)
                best = min(best, found.value)
        bound = min(tops[0][0] if tops else np.inf, best if founds else np.inf)
        return MixedResult(tuple(sorted(founds, key=lambda found: found.value)), bound, len(ways))

    def _bounds(self, pool: str) -> Iterator[tuple[Way, Array, Array]]:
        """Yield shapes and ways with the largest batch of every cell that may be allowed, and bounds on its price.

        None of a pool with the KV cache in a tier of its own: the declared space has no such replicas. And none where
        another pool is required, which they would not use.
        """
        pools = set(self._scenario.target.required_pools)
        if self._scenario.fleet.device_of(pool).is_split or not pools <= {pool}:
            return
        longest_s = self._scenario.target.step_time_s * (1.0 + 1e-9)
        for steps in _STEPS.get((self._scenario.speedless_key, pool), lambda: list(self._steps(pool))):
            slow = (steps.mean_s > longest_s) | (steps.prompt_s > self._service.longest_alone_s)
            # A cell of several sizes may hold a plan if the largest of the one before is not too slow already.
            first = int(np.argmax(slow)) if slow.any() else len(slow)
            allowed = first if first < SINGLE_SIZES else min(len(slow), first + 1)
            for way, room in steps.ways:
                last = min(allowed, int(np.searchsorted(steps.sizes, room)) + 1)
                if min(room, last) >= 1:
                    rate = steps.sizes[:last] * (way.shape.dp * way.shape.stages) / steps.mean_s[:last]
                    yield way, steps.sizes, self._least_price(way.shape, rate)

    def _steps(self, pool: str) -> Iterator[_Steps]:
        """Yield the steps of all ways to cut prompts on shapes that hold the model and can be rented."""
        scenario, model = self._scenario, self._model
        fleet, workload = scenario.fleet, scenario.workload
        bounds = Experts(self._chances, is_bound=True)
        for every in stage_shapes(scenario, model, pool):
            shapes = [shape for shape in every if self._prices.most_replicas((shape,))]
            if not shapes:
                continue
            group = build_group(fleet, shapes[-1])
            held = prefill.holdings(model, group, workload.capacity_context)
            groups = [build_group(fleet, shape) for shape in self._fitting(group, shapes, held)]
            most = max((self._room(Way(each, self._ways[0], held)) for each in groups), default=0)
            sizes = _cells(min(most, scenario.space.max_rank_batch))
            if not len(sizes):
                continue
            for step in mixed_steps(model, group, (sizes, workload.mean_context), self._ways, bounds):
                times, ways = unstaged(step), [Way(each, step.chunks, held) for each in groups]
                mean_s = times.mean_s(self.prompts_per_step(step.chunks, sizes))
                yield _Steps(sizes, mean_s, times.prompt_s, [(way, self._room(way)) for way in ways])

    def _least_price(self, shape: GroupShape, rate: Array) -> Array:
        """Return what replicas of a rate sell for at least, whole units paid; inf where they are too few."""
        asked = self._scenario.target.tokens_per_s
        sold = (rate if asked is None else np.minimum(rate, asked)) * self._scenario.workload.utilisation
        enough = rate * self._prices.most_replicas((shape,)) * (1.0 + 1e-9) >= (asked or 0.0)
        usd_per_hour_and_rate = self._prices.lowest_usd_per_hour((shape,)) / sold
        if asked is not None:
            one = float(self._prices.least_usd_per_hour_by_cap((shape,))[0])
            usd_per_hour_and_rate = np.maximum(usd_per_hour_and_rate, one / sold.max(initial=asked))
        return np.where(enough, usd_per_hour_and_rate * (TOKENS_PER_MILLION / SECONDS_PER_HOUR), np.inf)

    def _fitting(self, group: Group, shapes: list[GroupShape], held: Holdings) -> list[GroupShape]:
        """Return the shapes that hold the model: pipelines that are not longer than they need be, or short."""
        usable = group.device.usable_bytes
        fits = [shape for shape in shapes if held.fullest(shape.stages, 1.0) <= usable]
        return [shape for shape in fits if shape.stages <= MOST_STAGES] or fits[:1]

    def _room(self, way: Way) -> int:
        """Return the most sequences of a rank and microbatch for which there is memory: weights, KV, activations."""
        stages, chunks = way.shape.stages, way.chunks
        most = self._scenario.space.max_rank_batch
        firsts = prefill.first_layers(len(way.held.weights), stages)
        weights = np.add.reduceat(way.held.weights, firsts)
        weights[0] += way.held.embedding
        weights[-1] += way.held.lm_head
        cache = np.add.reduceat(way.held.kv_per_prompt, firsts)
        token = prefill.hidden_bytes(self._model, way.group, replace(chunks, prompts=1.0, tokens=(1,), offsets=(0,)))
        fixed = weights + stages * (chunks.prompts * cache + token * max(chunks.rank_tokens))
        room = (way.group.device.usable_bytes - fixed) / (stages * (cache + token))
        return int(min(most, np.floor(room.min())))

    def at(self, way: Way, rank_sequences: int, stages: Stages | None = None) -> MixedTimes:
        """Return the times of a replica at a batch; stages divide the layers evenly where nothing else is said."""
        decoding = rank_sequences, self._scenario.workload.mean_context
        if stages is None:
            stages = even_stages(len(self._model.layer_ops), way.shape.stages)
        experts = Experts(self._chances, is_bound=False)
        return placed(self._model, way.group, decoding, way.chunks, experts, stages)

    def _largest(self, way: Way, most: int) -> Mixed | None:
        """Return the plan of the largest batch that is allowed; None if none is, or it is not for rent."""
        if self._times_if_allowed(way, 1) is None:
            return None
        low, high = 1, most
        while low < high:
            middle = (low + high + 1) // 2
            if self._times_if_allowed(way, middle) is None:
                high = middle - 1
            else:
                low = middle
        return self.settle(way, low)

    def settle(self, way: Way, rank_sequences: int) -> Mixed | None:
        """Return the plan of a batch by the law; None if it does not fit, or is too slow or late, or not for rent."""
        allowed = self._times_if_allowed(way, rank_sequences)
        if allowed is None:
            return None
        times, step_s = allowed
        tokens = float(rank_sequences * way.shape.dp * way.shape.stages)
        best = self._prices.best((way.shape,), tokens, step_s)
        return None if best is None else Mixed(way, rank_sequences, times, *best)

    def _times_if_allowed(self, way: Way, rank_sequences: int) -> tuple[MixedTimes, float] | None:
        """Return the times of a batch and its mean step [s]; None if it does not fit, or is too slow or late.

        What is not allowed at one batch is not allowed at a larger one.
        """
        if rank_sequences > self._room(way):
            return None
        times = self.at(way, rank_sequences)
        size = np.array([float(rank_sequences)])
        step_s = float(times.mean_s(self.prompts_per_step(way.chunks, size))[0])
        if step_s > self._scenario.target.step_time_s:
            return None
        is_timely = self.is_in_time(way, rank_sequences, float(times.prompt_s[0]), step_s)
        return (times, step_s) if is_timely else None

    def queue(self, way: Way, rank_sequences: int, step_s: float) -> tuple[int, float]:
        """Return how many prompts a replica prefills at a time, and how many arrive [1/s]."""
        shape = way.shape
        lanes = shape.dp * shape.stages
        return lanes * int(way.chunks.prompts), lanes * rank_sequences / (self._output_tokens * step_s)

    def is_in_time(self, way: Way, rank_sequences: int, prefill_s: float, step_s: float) -> bool:
        """Return whether first tokens come in time; a replica's prompts wait for that replica."""
        (servers, arrivals), service = self.queue(way, rank_sequences, step_s), self._service
        if arrivals * prefill_s > servers * service.max_prefill_load:
            return False
        wait, alone_s = queue_wait(servers, arrivals, prefill_s), prefill_s + self.reload_s(way, prefill_s)
        return service.is_in_time(alone_s + wait.mean_s, alone_s + wait.p99_s)

    def reload_s(self, way: Way, prefill_s: float) -> float:
        """Return what is seen of loading KV cache that was found [s]."""
        return reload_s(self._model, way.shape, prefill_s, self._service, self._scenario.workload.input_tokens)


def _cells(most: int) -> Array:
    """Return the largest size of every cell, the last one being ``most``."""
    sizes = [float(size) for size in range(1, SINGLE_SIZES + 1) if size <= most]
    while sizes and sizes[-1] < most:
        sizes.append(min(float(most), float(np.ceil(sizes[-1] * CELL_GROWTH))))
    return np.array(sizes)
