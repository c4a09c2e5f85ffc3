"""One sizing problem in integers: everything the CP-SAT model sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placer.search.quantize import Integers
from placer.search.rows import HOST, NUM_CHAINS, PATH_CHAIN, Placement

#: Rounded times in a sum that belong to no layer and no stage.
OUTSIDE_TERMS = 7
#: Up to so many runs, stages are dealt layers run by run and in order.
MAX_ORDERED_RUNS = 4


def share_of(in_flight: int, stages: int) -> int:
    """Return how many microbatches a stage serves together."""
    return -(-in_flight // max(1, stages))


@dataclass(frozen=True)
class Run:
    """Consecutive layers of one class."""

    index: int
    count: int
    class_index: int


@dataclass(frozen=True)
class ClassTable:
    """Integer rows of one layer class; first axis is the placement.

    Attributes
    ----------
    placements
        Ways a layer may lie.
    times : ndarray, shape (num_placements, 9)
        Picoseconds per microbatch on path, devices, fabrics and the four port directions.
    host_bytes, side_bytes : ndarray, shape (num_placements,)
        Bytes per device.
    turns : ndarray, shape (2, 3, num_placements)
        By group and chain: picoseconds a stage is taken by a share of the microbatches (`RowBuilder.turns`).
    """

    placements: tuple[Placement, ...]
    times: Integers
    host_bytes: Integers
    side_bytes: Integers
    turns: Integers

    def volumes(self, group: int) -> Integers:
        """Return the bytes on host (0) or sidecar (1)."""
        return self.side_bytes if group else self.host_bytes

    def loading(self, group: int) -> tuple[int, ...]:
        """Return the placements that load a group with time or bytes."""
        loads = (self.times[:, HOST + group] > 0) | (self.volumes(group) > 0)
        return tuple(int(number) for number in np.flatnonzero(loads))


@dataclass(frozen=True)
class Outside:
    """Embedding or LM head: time and bytes on host and sidecar."""

    time: tuple[int, int]
    held_bytes: tuple[int, int]


@dataclass(frozen=True)
class Crossing:
    """What hidden states pay to change group, and a token id to return to the embedding.

    Attributes
    ----------
    to_side, to_host, token
        Picoseconds on the critical path.
    ports
        Picoseconds on the four port directions (host out, host in, side out, side in) when hidden states go to
        the sidecar, and when they go to the host.
    stage
        Picoseconds of a hop between two stages, on host and sidecar.
    stage_token
        The same for a token id.
    """

    to_side: int
    to_host: int
    token: int
    ports: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]
    stage: tuple[int, int]
    stage_token: tuple[int, int]


@dataclass(frozen=True)
class DrafterTimes:
    """What a drafter beside a replica takes for a microbatch [ps].

    Attributes
    ----------
    waiting
        On the critical path.
    busy
        How long it works.
    alone
        No step is shorter, where it drafts while the step before is verified.
    """

    waiting: int = 0
    busy: int = 0
    alone: int = 0


#: Nothing drafts beside a replica.
NO_DRAFTER = DrafterTimes()


@dataclass(frozen=True)
class SizingProblem:
    """The question where layers go, for given groups, microbatch size and microbatches in flight.

    Attributes
    ----------
    runs, classes
        The model's layers in order, and the rows of their classes.
    embedding, lm_head, crossing
        What lies outside the layers, and what moving between groups costs.
    stages
        Stages of host and sidecar; the sidecar has 0 in a replica of one group.
    in_flight
        Microbatches in flight.
    capacity
        Bytes a device of host and sidecar has for weights and KV cache.
    longest
        No step longer than this is of interest [ps].
    drafter
        Times of a drafter on a pool of its own.
    is_fluid
        Whether stages are taken together, as a bound that is quick to find.
    """

    runs: tuple[Run, ...]
    classes: tuple[ClassTable, ...]
    embedding: Outside
    lm_head: Outside
    crossing: Crossing
    stages: tuple[int, int]
    in_flight: int
    capacity: tuple[int, int]
    longest: int
    is_fluid: bool = False
    drafter: DrafterTimes = NO_DRAFTER

    @property
    def bundles(self) -> tuple[tuple[int, ...], ...]:
        """Runs whose layers are told apart when dealt to stages: each by itself if there are few, else by class.

        Bundles of single runs keep the order of the layers; bundles of a whole class do not.
        """
        if len(self.runs) <= MAX_ORDERED_RUNS:
            return tuple((run.index,) for run in self.runs)
        return tuple(
            tuple(run.index for run in self.runs if run.class_index == index) for index in range(len(self.classes))
        )

    @property
    def least(self) -> int:
        """The shortest step a drafter beside the replica allows [ps]."""
        return max(self.drafter.alone, self.drafter.busy * self.in_flight)

    @property
    def has_side(self) -> bool:
        """Whether there is a sidecar."""
        return self.stages[1] > 0

    def share(self, group: int) -> int:
        """Return how many microbatches a stage of a group serves together."""
        return share_of(self.in_flight, self.stages[group])

    def outside_turn(self, group: int, chain: int) -> int:
        """Return how often embedding and LM head count in a turn: for every microbatch, or once along its path."""
        return 1 if chain == PATH_CHAIN else self.share(group)

    def num_turns(self, group: int) -> int:
        """Return how often in a step a stage of a group is taken by another share of the microbatches."""
        return -(-self.in_flight // self.share(group))

    @property
    def chains(self) -> tuple[tuple[int, int], ...]:
        """Every group and chain that limits it."""
        return tuple((group, chain) for group in range(len(self.stages)) for chain in self.chains_of(group))

    def chains_of(self, group: int) -> range:
        """Return the chains of `ClassTable.turns` that limit a group: none with one microbatch, which never waits."""
        return range(NUM_CHAINS if self.stages[group] and self.in_flight > 1 else 0)

    def most_per_stage(self, group: int, table: ClassTable, number: int) -> int:
        """Return how many layers in one placement a stage can hold, by bytes and by time, nothing else on it."""
        held = int(table.volumes(group)[number])
        busy = int(table.times[number, HOST + group]) * self.in_flight
        limits = [limit // load for limit, load in ((self.capacity[group], held), (self.longest, busy)) if load > 0]
        return max(0, min(limits, default=2**31))

    @property
    def num_terms(self) -> int:
        """Upper bound on the rounded times in any sum, microbatches counted.

        A term per layer and a hop before each; hops between stages; embedding, LM head, the hops to the head and of the
        token.
        """
        layers = sum(run.count for run in self.runs)
        return (2 * layers + sum(self.stages) + OUTSIDE_TERMS) * max(1, self.in_flight)
