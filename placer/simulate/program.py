"""What one microbatch does in a step, as a program for the engine: visits, messages, waits, forks.

A *visit* holds one resource; consecutive ops on one resource are one visit, since a stage runs what a microbatch brings
to its end before it turns to the next. A *message* holds the port it leaves from and the port it arrives at, cut
through: the slower one decides. A *wait* holds nothing (latencies, gathers). A *fork* has two branches that run at the
same time, each with resources of its own.
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


#: Times of an instruction: of its resource, of the port it arrives at, in between.
HOLD, ARRIVE, BETWEEN, NUM_SLOTS = 0, 1, 2, 3


@dataclass(frozen=True)
class Instruction:
    """One instruction; ``end`` is where the side branch of a fork ends."""

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
    """Instructions in order, and the ops their times are made of."""

    resources: tuple[Resource, ...]
    instructions: tuple[Instruction, ...]
    ops: tuple[Op, ...]
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
                path += max(float(length[index:instruction.end].sum()), float(length[instruction.end : join].sum()))
                index = join
            else:
                path += float(length[index])
                index += 1
        return path

    def _join(self, start: int) -> int:
        return next(i for i in range(start, len(self.instructions)) if self.instructions[i].kind is Kind.JOIN)

    def law_s(self, in_flight: int) -> float:
        """Return ``max(path, m * busiest)``: no schedule has a shorter step (physics C2)."""
        return max(self.path_s(), in_flight * float(self.busy_s().max(initial=0.0)))


def assemble(resources: Sequence[Resource], pieces: Sequence[Piece]) -> Program:
    """Return the program of some pieces in series."""
    assembler = _Assembler()
    assembler.add(pieces)
    return Program(tuple(resources), tuple(assembler.instructions), tuple(assembler.ops))


class _Assembler:
    """Turns pieces into instructions, one after the other."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.ops: list[Op] = []

    def add(self, pieces: Sequence[Piece]) -> None:
        """Append pieces; a branch starts a visit of its own."""
        last: Piece | None = None
        for piece in pieces:
            if isinstance(piece, Work):
                self._work(piece, continues=isinstance(last, Work) and last.resource == piece.resource)
            elif isinstance(piece, Message):
                self._message(piece)
            elif isinstance(piece, Delay):
                self._timed(Instruction(Kind.WAIT), ((piece.label, HOLD, piece.seconds),))
            else:
                self._fork(piece)
            last = piece

    def _timed(self, instruction: Instruction, times: tuple[tuple[str, int, float], ...]) -> None:
        number = len(self.instructions)
        self.instructions.append(instruction)
        self.ops += [Op(label, number, slot, seconds) for label, slot, seconds in times]

    def _work(self, work: Work, *, continues: bool) -> None:
        if not continues:
            self.instructions.append(Instruction(Kind.VISIT, work.resource))
        self.ops.append(Op(work.label, len(self.instructions) - 1, HOLD, work.seconds, work.experts))

    def _message(self, message: Message) -> None:
        times = ((HOLD, message.source_s), (ARRIVE, message.target_s), (BETWEEN, message.latency_s))
        instruction = Instruction(Kind.SEND, message.source, message.target)
        self._timed(instruction, tuple((message.label, slot, seconds) for slot, seconds in times))

    def _fork(self, fork: Fork) -> None:
        number = len(self.instructions)
        self.instructions.append(Instruction(Kind.FORK))
        self.add(fork.side)
        self.instructions[number] = Instruction(Kind.FORK, end=len(self.instructions))
        self.add(fork.main)
        self.instructions.append(Instruction(Kind.JOIN))
