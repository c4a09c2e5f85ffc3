"""Cold models: sets of them that can share a slot of devices in turns, weights loaded for every turn (physics E5).

A slot repeats a timetable of period ``P``: every member has one turn in it, which loads its weights (bytes on the
fullest device over the tier's bandwidth, plus its latency) and answers one batch, all that arrived since its last turn
began. So ``sum(switch + serve) <= P``, and no request waits longer than ``P`` for its turn. A turn nobody waits for is
skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from placer.errors import ScenarioError
from placer.portfolio.arrivals import overflow
from placer.portfolio.columns import Kind
from placer.portfolio.demand import Demand
from placer.portfolio.times import lanes, round_s
from placer.scenario.portfolio import ColdTier, Phase, PortfolioScenario, Residency, ServedModel

#: Chance that a turn cannot answer all who wait: at most this.
MOST_OVERFLOW = 0.01
#: More sets than this are not enumerated.
MOST_SLOTS = 20_000


@dataclass(frozen=True)
class Turn:
    """A member of a slot: its kind of replica, and what its turn takes [s].

    Attributes
    ----------
    kind
        Its replica.
    switch_s
        Loading its weights.
    fixed_s, round_s
        Time to first token in any case, and what each round of prompts adds to it: as many as are prefilled at a time.
    lanes
        Prompts of a round.
    rounds
        Rounds of a turn.
    """

    kind: Kind
    switch_s: float
    fixed_s: float
    round_s: float
    lanes: int
    rounds: int

    @property
    def users(self) -> int:
        """Requests a turn can answer."""
        return min(self.kind.users, self.rounds * self.lanes)

    @property
    def ttft_s(self) -> float:
        """When the last prompt of a turn has its first token."""
        return self.fixed_s + self.rounds * self.round_s

    @property
    def serve_s(self) -> float:
        """Answering a batch: its prompts, then the longest answer."""
        return self.ttft_s + self.kind.plan.scenario.workload.output_tokens * self.kind.tpot_s

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

    @property
    def taken_s(self) -> float:
        """Time of a period that is taken if every turn is."""
        return sum(turn.switch_s + turn.serve_s for turn in self.turns)


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
    """Return the turn of a kind with as few rounds as can be; None if it can have none."""
    service, plan = scenario.models[kind.service], kind.plan
    pool = scenario.fleet.pool(tier.pool)
    is_here = len(plan.groups) == 1 and plan.groups[0].pool == tier.pool
    if service.residency is Residency.RESIDENT or not is_here or plan.groups[0].num_devices > pool.domain:
        return None
    memory = plan.memory[0]
    switch_s = (memory.weights_bytes + memory.hot_experts_bytes) / tier.bandwidth + tier.latency
    if scenario.phase is Phase.DECODE:
        return Turn(kind, switch_s, service.ttft or 0.0, 0.0, kind.users, 1)
    if plan.phases is None or plan.phases.colocated is None:
        return None
    turn = Turn(kind, switch_s, 0.0, round_s(plan), lanes(plan, plan.phases.colocated), 1)
    return turn if _is_soon(service, turn) else None


def _is_soon(service: ServedModel, turn: Turn) -> bool:
    """Return whether first tokens come in time, from the begin of the turn on."""
    return all(limit is None or turn.ttft_s <= limit for limit in (service.ttft, service.ttft_p99))


def _with_rounds(service: ServedModel, demand: Demand, turn: Turn, period_s: float) -> Turn | None:
    """Return a turn with the fewest rounds that answer what arrives in a period; None if too much does."""
    most = -(-turn.kind.users // turn.lanes)
    low, high = 1, most + 1
    while low < high:
        middle = (low + high) // 2
        room = replace(turn, rounds=middle).users
        low, high = (low, middle) if overflow(demand.arrivals, period_s, room) <= MOST_OVERFLOW else (middle + 1, high)
    found = replace(turn, rounds=low)
    return found if low <= most and _is_soon(service, found) else None


def _useful(turns: list[Turn]) -> list[Turn]:
    """Return the turns that no other of the same service beats in everything that counts."""
    figures = [
        (
            *(turn.devices, turn.weights_bytes, turn.switch_s, turn.serve_s, turn.kind.tpot_s, -turn.kind.users),
            *(turn.round_s, -turn.lanes),
        )
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
    most_s = _least_wait(scenario, turns)
    longest = _slot_of(scenario, demands, tier, turns, most_s)
    if longest is not None:
        yield longest
    if not any(demands[turn.kind.service].is_called for turn in turns):
        return
    # In a longer period more arrive, and turns are longer: up to where they just fit.
    period_s = ColdSlot(tier, most_s, turns).taken_s
    while period_s < most_s:
        filled = _filled(scenario, demands, turns, period_s)
        if filled is None:
            return
        slot = ColdSlot(tier, period_s, filled)
        if slot.taken_s <= period_s:
            yield slot
            return
        period_s = slot.taken_s


def _slot_of(
    scenario: PortfolioScenario, demands: tuple[Demand, ...], tier: ColdTier, turns: tuple[Turn, ...], period_s: float
) -> ColdSlot | None:
    """Return the slot of a period, or None if too many would wait or turns take longer."""
    filled = _filled(scenario, demands, turns, period_s)
    slot = None if filled is None else ColdSlot(tier, period_s, filled)
    return slot if slot is not None and slot.taken_s <= period_s else None


def _filled(
    scenario: PortfolioScenario, demands: tuple[Demand, ...], turns: tuple[Turn, ...], period_s: float
) -> tuple[Turn, ...] | None:
    """Return turns that answer what arrives in a period, or None if some cannot."""
    filled: list[Turn] = []
    for turn in turns:
        index = turn.kind.service
        found = _with_rounds(scenario.models[index], demands[index], turn, period_s)
        if found is None:
            return None
        filled.append(found)
    return tuple(filled)
