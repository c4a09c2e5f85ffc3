"""Colocated replicas from what the search found: laid out, simulated, and small enough to keep their step."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from placer.cost import prefill
from placer.cost.mixed_step import MixedTimes, Stages
from placer.planner.memory import group_memories
from placer.planner.rescore import Achieved, Rescorer
from placer.scenario.scenario import Scenario
from placer.search.service.colocated import Mixed, MixedSearch, Way
from placer.search.sizing.build import Candidate
from placer.search.solve import Searcher
from placer.search.value import Valuation

#: Plans by the law that are looked at, and how often each is made smaller.
MOST_PLANS, MOST_CUTS = 4, 6


@dataclass(frozen=True)
class MixedAchieved:
    """A colocated replica whose decode step was simulated.

    Attributes
    ----------
    achieved
        Its decode steps; value and rental are those of the whole.
    mixed
        As the search has it, at the batch that holds.
    times
        Of its passes at this batch.
    mean_step_s
        The mean step, chunks included.
    extra_bytes
        What prompts under way and the largest chunk take on a device, beside what decodes.
    """

    achieved: Achieved
    mixed: Mixed
    times: MixedTimes
    mean_step_s: float
    extra_bytes: float

    @property
    def value(self) -> float:
        """US dollars per million output tokens."""
        return self.achieved.found.value


def hold_mixed(
    searcher: Searcher, search: MixedSearch, founds: tuple[Mixed, ...], scenario: Scenario, price: float
) -> MixedAchieved | None:
    """Return the cheapest colocated plan that holds when its decode steps are simulated, cheaper than ``price``.

    Parameters
    ----------
    searcher
        Lays replicas out; without drafting.
    search, founds
        The search, and what it found, the cheapest first.
    scenario
        The question.
    price
        What another plan costs.
    """
    prices, best = Valuation(scenario), None
    rescorer = Rescorer(searcher, prices)
    for mixed in founds[:MOST_PLANS]:
        if mixed.value >= price:
            break
        held = _held(searcher, search, mixed, (scenario, prices, rescorer))
        if held is not None and held.value < price:
            best, price = held, held.value
    return best


def _held(
    searcher: Searcher, search: MixedSearch, mixed: Mixed, how: tuple[Scenario, Valuation, Rescorer]
) -> MixedAchieved | None:
    scenario, prices, rescorer = how
    way, sequences = mixed.way, mixed.rank_sequences
    for _ in range(MOST_CUTS):
        at = search.settle(way, sequences)
        if at is None:
            return None
        size = at.sequences
        candidate = Candidate(way.shape, None, way.shape.stages, size, size)
        found = searcher.settle(candidate, np.inf, prices)
        score = None if found is None else rescorer.score(found, np.inf)
        if not isinstance(score, Achieved):
            sequences = int(sequences * 0.9)
            continue
        stages = np.array(score.found.layout.stages[0], dtype=np.int64)
        at = dataclasses.replace(at, times=search.at(way, sequences, stages))
        step_s = _mean_step_s(search, way, at, score.found.step_s)
        extra = extra_bytes(searcher, way, stages)
        tokens = float(size * way.shape.stages)
        best = prices.best((way.shape,), tokens, step_s)
        late = not search.is_in_time(way, sequences, _prefill_s(at, score.found.step_s), step_s)
        fits = step_s <= scenario.target.step_time_s and extra <= _least_free_bytes(searcher, score)
        if fits and best is not None and not late:
            whole = dataclasses.replace(score.found, value=best[0], rental=best[1])
            return MixedAchieved(dataclasses.replace(score, found=whole), at, at.times, step_s, extra)
        scale = min(0.98, scenario.target.step_time_s / step_s)
        sequences = min(sequences - 1, int(sequences * scale))
        if sequences < 1:
            return None
    return None


def _least_free_bytes(searcher: Searcher, score: Achieved) -> int:
    builder = searcher.placed_builder
    memories = group_memories(searcher.placed_cost, builder, builder.exact(score.found.candidate), score.found)
    return min(one.fullest().free_bytes for one in memories)


def _mean_step_s(search: MixedSearch, way: Way, at: Mixed, decode_s: float) -> float:
    begin = search.prompts_per_step(way.chunks, np.array([float(at.rank_sequences)]))
    return decode_s + float((begin * at.times.added_s)[0])


def _prefill_s(at: Mixed, decode_s: float) -> float:
    return at.times.num_passes * decode_s + float(at.times.added_s[0])


def extra_bytes(searcher: Searcher, way: Way, stages: Stages) -> float:
    """Return what prompts under way and the largest chunk take on the fullest device, one for every microbatch."""
    chunks = way.chunks
    cache = np.bincount(stages, weights=way.held.kv_per_prompt).max() * chunks.prompts
    hidden = prefill.hidden_bytes(searcher.cost.model, way.group, chunks)
    return float(way.shape.stages * (cache + hidden))
