"""The choice among replicas of several models, in whole numbers: what the master problem and its bound share."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.fleet import Pool


@dataclass(frozen=True)
class Block:
    """Devices of one pool that lie in one scale-up domain, or fill whole ones; ``count`` of them per replica."""

    pool: str
    size: int
    count: int


@dataclass(frozen=True)
class Column:
    """A kind of replica of one model.

    Attributes
    ----------
    model
        Index of the model.
    rate
        What one replica produces, in the quanta of `Problem.demands`, rounded down.
    most
        Replicas beyond which more are of no use.
    blocks
        Devices of one replica.
    tpot_quanta, base_quanta
        Time per output token, and time before the first one, rounded up [quanta of time].
    needs_prefill
        Whether it decodes only, and needs a `PrefillColumn` of its own.
    """

    model: int
    rate: int
    most: int
    blocks: tuple[Block, ...]
    tpot_quanta: int
    base_quanta: int
    needs_prefill: bool = False


@dataclass(frozen=True)
class PrefillColumn:
    """Groups that prefill for the replicas of one column; of all for a column at most one is chosen.

    Attributes
    ----------
    column
        Index of the column.
    rate
        What they prefill, in output tokens that follow, in the quanta of `Problem.demands`, rounded down.
    blocks
        Devices of all groups.
    base_quanta
        Time to first token, rounded up [quanta of time].
    """

    column: int
    rate: int
    blocks: tuple[Block, ...]
    base_quanta: int


@dataclass(frozen=True)
class Turn:
    """A cold model in a slot: its times as of a `Column` [quanta of time]."""

    model: int
    tpot_quanta: int
    base_quanta: int


@dataclass(frozen=True)
class SlotColumn:
    """Devices that some models use in turns, each in full."""

    turns: tuple[Turn, ...]
    block: Block


@dataclass(frozen=True)
class ChainCall:
    """A call of an agent: model, output tokens, and the calls that come before it, all by index."""

    model: int
    output_tokens: int
    after: tuple[int, ...]


@dataclass(frozen=True)
class Chain:
    """An agent: its calls, every call after those before it, and the longest time they may take [quanta of time]."""

    calls: tuple[ChainCall, ...]
    limit_quanta: int


@dataclass(frozen=True)
class PoolRent:
    """A pool and what one of its units rents for [US dollars per hour]."""

    pool: Pool
    usd_per_unit_hour: float

    @property
    def num_units(self) -> int:
        """Units of the inventory."""
        return self.pool.count // self.pool.unit

    def domains(self, units: int) -> int:
        """Return the scale-up domains that so many units reach, at most."""
        pool = self.pool
        if pool.unit >= pool.domain:
            return units * pool.unit // pool.domain
        return max(1, pool.count // pool.domain)


@dataclass(frozen=True)
class Problem:
    """Everything the master problem knows.

    Attributes
    ----------
    pools
        By name.
    demands
        By model, rounded up, in quanta of tokens per second.
    columns, slots
        To choose from.
    chains
        Agents.
    prefills
        Groups that prefill, to choose from.
    """

    pools: dict[str, PoolRent]
    demands: tuple[int, ...]
    columns: tuple[Column, ...]
    slots: tuple[SlotColumn, ...]
    chains: tuple[Chain, ...]
    prefills: tuple[PrefillColumn, ...] = ()


@dataclass(frozen=True)
class Choice:
    """A solution: replicas by column, indices of the slots, rented units by pool, indices of prefill columns."""

    replicas: tuple[int, ...]
    slots: tuple[int, ...]
    units: dict[str, int]
    prefills: tuple[int, ...] = ()

    def blocks(self, problem: Problem, pool: str) -> dict[int, int]:
        """Return how many blocks of every size a pool must hold."""
        counts: dict[int, int] = {}
        chosen = [(problem.slots[index].block, 1) for index in self.slots]
        for column, number in zip(problem.columns, self.replicas, strict=True):
            chosen += [(block, number) for block in column.blocks]
        chosen += [(block, 1) for index in self.prefills for block in problem.prefills[index].blocks]
        for block, number in chosen:
            if block.pool == pool and number:
                counts[block.size] = counts.get(block.size, 0) + block.count * number
        return counts
