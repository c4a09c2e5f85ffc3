"""Cold models: sets of them that can share a slot of devices in turns, weights loaded for every turn (physics E5).

A slot repeats a timetable of period ``P``: every member has one turn in it, which loads its weights (bytes on the
fullest device over the tier's bandwidth, plus its latency) and answers one batch, all that arrived since its last turn
began. So ``sum(switch + serve) <= P``, and no request waits longer than ``P`` for its turn. A turn nobody waits for is
skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from placer.errors import ScenarioError
from placer.portfolio.arrivals import overflow
from placer.portfolio.columns import Kind
from placer.portfolio.demand import Demand
from placer.portfolio.times import ttft_s
from placer.scenario.portfolio import ColdTier, PortfolioScenario, Residency

#: Chance that a turn cannot answer all who wait: at most this.
MOST_OVERFLOW = 0.01
#: More sets than this are not enumerated.
MOST_SLOTS = 20_000


@dataclass(frozen=True)
class Turn:
    """A member of a slot: its kind of replica, and what its turn takes [s]."""

    kind: Kind
    switch_s: float
    serve_s: float

    @property
    def devices(self) -> int:
        """Devices of its replica."""
        return self.kind.plan.groups[0].num_devices

    @property
    def weights_bytes(self) -> int:
        """Weights on its fullest device."""
        memory = self.kind.plan.memory[0]
        return memory.weights_bytes + memory.hot_experts_bytes


@dataclass(frozen=True)
class ColdSlot:
    """Devices in one scale-up domain, the tier weights wait in, the period of the timetable [s], and the turns."""

    tier: ColdTier
    period_s: float
    turns: tuple[Turn, ...]

    @property
    def devices(self) -> int:
        """Devices of the slot: those of the largest member."""
        return max(turn.devices for turn in self.turns)


def cold_slots(scenario: PortfolioScenario, demands: tuple[Demand, ...], kinds: Sequence[Kind]) -> tuple[ColdSlot, ...]:
    """Return every slot that two or more cold models can share.

    Raises
    ------
    ScenarioError
        If there are more than `MOST_SLOTS`.
    """
    slots: list[ColdSlot] = []
    for tier in scenario.tiers:
        turns = [turn for kind in kinds if (turn := _turn(scenario, kind, tier)) is not None]
        for chosen in _extended((), _useful(turns), (scenario, tier)):
            slots += _slots(scenario, demands, tier, chosen)
            if len(slots) > MOST_SLOTS:
                raise ScenarioError(
                    f"cold models can share devices in over {MOST_SLOTS:,} ways; let fewer be cold, or shorten wait",
                    where="models",
                )
    return tuple(slots)


def _turn(scenario: PortfolioScenario, kind: Kind, tier: ColdTier) -> Turn | None:
    service, plan = scenario.models[kind.service], kind.plan
    pool = scenario.fleet.pool(tier.pool)
    is_here = len(plan.groups) == 1 and plan.groups[0].pool == tier.pool
    if service.residency is Residency.RESIDENT or not is_here or plan.groups[0].num_devices > pool.domain:
        return None
    memory = plan.memory[0]
    switch_s = (memory.weights_bytes + memory.hot_experts_bytes) / tier.bandwidth + tier.latency
    output_tokens = plan.scenario.workload.output_tokens
    return Turn(kind, switch_s, ttft_s(plan, service) + output_tokens * kind.tpot_s)


def _useful(turns: list[Turn]) -> list[Turn]:
    """Return the turns that no other of the same service beats in everything that counts."""
    figures = [
        (turn.devices, turn.weights_bytes, turn.switch_s, turn.serve_s, turn.kind.tpot_s, -turn.kind.users)
        for turn in turns
    ]
    kept = []
    for index, own in enumerate(figures):
        beaten = any(
            turns[other].kind.service == turns[index].kind.service
            and all(a <= b for a, b in zip(figures[other], own, strict=True))
            and (figures[other] != own or other < index)
            for other in range(len(turns))
        )
        if not beaten:
            kept.append(turns[index])
    return kept


def _extended(
    chosen: tuple[Turn, ...], turns: list[Turn], given: tuple[PortfolioScenario, ColdTier]
) -> Iterator[tuple[Turn, ...]]:
    """Yield every set of turns of different services that fits tier and timetable; a set fits only if its parts do."""
    last = chosen[-1].kind.service if chosen else -1
    for turn in turns:
        if turn.kind.service > last:
            more = (*chosen, turn)
            if _fits(more, given):
                if len(more) > 1:
                    yield more
                yield from _extended(more, turns, given)


def _fits(turns: tuple[Turn, ...], given: tuple[PortfolioScenario, ColdTier]) -> bool:
    scenario, tier = given
    taken_s = sum(turn.switch_s + turn.serve_s for turn in turns)
    return taken_s <= _least_wait(scenario, turns) and sum(turn.weights_bytes for turn in turns) <= tier.capacity


def _least_wait(scenario: PortfolioScenario, turns: tuple[Turn, ...]) -> float:
    waits = [scenario.models[turn.kind.service].wait for turn in turns]
    return min(wait for wait in waits if wait is not None)


def _slots(
    scenario: PortfolioScenario, demands: tuple[Demand, ...], tier: ColdTier, turns: tuple[Turn, ...]
) -> Iterator[ColdSlot]:
    """Yield the slot with the longest period, and where an agent waits for it the one with the shortest."""
    periods = [_least_wait(scenario, turns)]
    if any(demands[turn.kind.service].is_called for turn in turns):
        periods.append(sum(turn.switch_s + turn.serve_s for turn in turns))
    for period_s in dict.fromkeys(periods):
        if all(
            overflow(demands[turn.kind.service].arrivals, period_s, turn.kind.users) <= MOST_OVERFLOW for turn in turns
        ):
            yield ColdSlot(tier, period_s, turns)
