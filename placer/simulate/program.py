"""What one microbatch does in a step, as a program for the engine: visits, messages, waits, forks.

A *visit* holds one resource; consecutive ops on one resource are one visit, since a stage runs what a microbatch
brings to its end before it turns to the next. A *message* holds the port it leaves from and the port it arrives at,
cut through: the slower one decides. A *wait* holds nothing (latencies, gathers). A *fork* has two branches that run at
the same time, each with resources of its own. Between the gates of a stage lies what a microbatch does there without
going elsewhere; a schedule may let only so many in at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from placer.plan.placement import Role

#: Clock ticks of a second. Whole ticks make runs exact and repeatable; durations round up, against the plan.
TICKS_PER_S = 10**15

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Engine(StrEnum):
    """Which part of a stage's devices a resource is."""

    COMPUTE = "compute"
    FABRIC = "fabric"
    OUT = "out"
    IN = "in"
    BOTH_WAYS = "both ways"
    NEXT_STAGE = "next stage"
    DRAFTER = "drafter"


@dataclass(frozen=True)
class Resource:
    """What one microbatch at a time can use: an engine of all devices of a stage, which act in lock-step."""

    role: Role
    stage: int
    engine: Engine


@dataclass(frozen=True)
class Work:
    """An op that holds a resource; ``experts`` numbers the draw its time may come from, -1 for none."""

    resource: int
    label: str
    seconds: float
    experts: int = -1


@dataclass(frozen=True)
class Message:
    """Bytes from a port to a port: how long each is held, and the latency between them."""

    source: int
    target: int
    label: str
    source_s: float
    target_s: float
    latency_s: float


@dataclass(frozen=True)
class Delay:
    """Time that holds nothing."""

    label: str
    seconds: float


@dataclass(frozen=True)
class Fork:
    """Two branches at the same time."""

    main: tuple[Piece, ...]
    side: tuple[Piece, ...]


Piece = Work | Message | Delay | Fork


class Kind(IntEnum):
    """What an instruction does."""

    VISIT = 0
    SEND = 1
    WAIT = 2
    FORK = 3
    JOIN = 4
    ENTER = 5
    LEAVE = 6


#: Times of an instruction: of its resource, of the port it arrives at, in between.
HOLD, ARRIVE, BETWEEN, NUM_SLOTS = 0, 1, 2, 3


@dataclass(frozen=True)
class Instruction:
    """One instruction; ``end`` is where the side branch of a fork ends.

    ``resource`` is a resource, or the gate of a stage that is entered or left.
    """

    kind: Kind
    resource: int = -1
    target: int = -1
    end: int = -1


@dataclass(frozen=True)
class Op:
    """One timed part of an instruction."""

    label: str
    instruction: int
    slot: int
    seconds: float
    experts: int = -1


@dataclass(frozen=True)
class Program:
    """Instructions in order, and the ops their times are made of.

    ``beside_s`` is what goes on beside them in every step: how long it takes for one microbatch, and how long it keeps
    something busy for each.
    """

    resources: tuple[Resource, ...]
    num_gates: int
    instructions: tuple[Instruction, ...]
    ops: tuple[Op, ...]
    beside_s: tuple[float, float] = (0.0, 0.0)
    cells: Integers = field(init=False, repr=False, compare=False)
    seconds: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay out what every run looks up."""
        cells = np.array([op.instruction * NUM_SLOTS + op.slot for op in self.ops], dtype=np.int64)
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "seconds", np.array([op.seconds for op in self.ops], dtype=np.float64))

    def durations(self, seconds: Floats | None = None) -> list[int]:
        """Return ticks of every instruction and slot, ``NUM_SLOTS`` each, in order.

        Parameters
        ----------
        seconds : ndarray, shape (num_ops,), optional
            Times of the ops; those of the cost model where absent.
        """
        given = self.seconds if seconds is None else seconds
        size = len(self.instructions) * NUM_SLOTS
        total = np.bincount(self.cells, weights=given, minlength=size) * float(TICKS_PER_S)
        ticks: list[int] = np.ceil(total).astype(np.int64).tolist()
        return ticks

    def busy_s(self) -> Floats:
        """Return how long one microbatch holds every resource, shape (num_resources,)."""
        busy = np.zeros(len(self.resources))
        for op in self.ops:
            instruction = self.instructions[op.instruction]
            if instruction.kind is not Kind.WAIT and op.slot != BETWEEN:
                busy[instruction.resource if op.slot == HOLD else instruction.target] += op.seconds
        return busy

    def path_s(self) -> float:
        """Return the time of all instructions in series, of the longer branch where they fork."""
        total = np.bincount(self.cells, weights=self.seconds, minlength=len(self.instructions) * NUM_SLOTS)
        hold, arrive, between = total.reshape(-1, NUM_SLOTS).T
        length = np.maximum(hold, arrive) + between
        path, index = 0.0, 0
        while index < len(self.instructions):
            instruction = self.instructions[index]
            if instruction.kind is Kind.FORK:
                join = self._join(instruction.end)
                path += max(float(length[index : instruction.end].sum()), float(length[instruction.end : join].sum()))
                index = join
            else:
                path += float(length[index])
                index += 1
        return path

    def _join(self, start: int) -> int:
        return next(i for i in range(start, len(self.instructions)) if self.instructions[i].kind is Kind.JOIN)

    def law_s(self, in_flight: int) -> float:
        """Return ``max(path, m * busiest)``, of what goes on beside as well: no schedule is shorter (physics C2)."""
        alone, each = self.beside_s
        return max(self.path_s(), in_flight * float(self.busy_s().max(initial=0.0)), alone, in_flight * each)


def assemble(resources: Sequence[Resource], pieces: Sequence[Piece]) -> Program:
    """Return the program of some pieces in series."""
    assembler = _Assembler(resources)
    assembler.close(assembler.add(pieces, None))
    return Program(tuple(resources), len(assembler.gates), tuple(assembler.instructions), tuple(assembler.ops))


class _Assembler:
    """Turns pieces into instructions, one after the other."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = resources
        self.gates: dict[tuple[Role, int], int] = {}
        self.instructions: list[Instruction] = []
        self.ops: list[Op] = []

    def add(self, pieces: Sequence[Piece], inside: int | None) -> int | None:
        """Append pieces, a microbatch being inside some gate before; return the gate it is inside after."""
        last: Piece | None = None
        for piece in pieces:
            if isinstance(piece, Fork):
                inside = self._fork(piece, inside)
            elif isinstance(piece, Work):
                inside = self._pass(inside, self._gate(piece))
                self._work(piece, continues=isinstance(last, Work) and last.resource == piece.resource)
            else:
                inside = self._pass(inside, None)
                self._hop(piece)
            last = piece
        return inside

    def close(self, inside: int | None) -> None:
        """Leave the gate a microbatch is inside, if any."""
        if inside is not None:
            self.instructions.append(Instruction(Kind.LEAVE, inside))

    def _gate(self, work: Work) -> int | None:
        resource = self._resources[work.resource]
        if resource.engine not in {Engine.COMPUTE, Engine.FABRIC}:
            return None
        return self.gates.setdefault((resource.role, resource.stage), len(self.gates))

    def _pass(self, inside: int | None, gate: int | None) -> int | None:
        if gate != inside:
            self.close(inside)
            if gate is not None:
                self.instructions.append(Instruction(Kind.ENTER, gate))
        return gate

    def _hop(self, piece: Message | Delay) -> None:
        if isinstance(piece, Delay):
            self._timed(Instruction(Kind.WAIT), piece.label, ((HOLD, piece.seconds),))
        else:
            times = ((HOLD, piece.source_s), (ARRIVE, piece.target_s), (BETWEEN, piece.latency_s))
            self._timed(Instruction(Kind.SEND, piece.source, piece.target), piece.label, times)

    def _timed(self, instruction: Instruction, label: str, times: tuple[tuple[int, float], ...]) -> None:
        number = len(self.instructions)
        self.instructions.append(instruction)
        self.ops += [Op(label, number, slot, seconds) for slot, seconds in times]

    def _work(self, work: Work, *, continues: bool) -> None:
        if not continues:
            self.instructions.append(Instruction(Kind.VISIT, work.resource))
        self.ops.append(Op(work.label, len(self.instructions) - 1, HOLD, work.seconds, work.experts))

    def _fork(self, fork: Fork, inside: int | None) -> int | None:
        number = len(self.instructions)
        self.instructions.append(Instruction(Kind.FORK))
        self.close(self.add(fork.side, None))
        self.instructions[number] = Instruction(Kind.FORK, end=len(self.instructions))
        inside = self.add(fork.main, inside)
        self.instructions.append(Instruction(Kind.JOIN))
        return inside
