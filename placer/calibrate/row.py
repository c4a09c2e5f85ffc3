"""What was measured: one block of a decoder at one shape, its work as the cost model counts it, and its time."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.kernel import KernelFamily


@dataclass(frozen=True)
class Work:
    """What a block does, in the units of the cost model.

    Attributes
    ----------
    launches
        Dependent kernels the lowering counts; each pays the family's floor.
    moved_bytes
        Weights and KV cache it touches [B].
    flops
        A multiply-add counts two [FLOP].
    """

    launches: int
    moved_bytes: float
    flops: float

    def times(self, count: int) -> Work:
        """Return the work of so many equal blocks, one after the other.

        They do not overlap, but a sum of equal maxima is the maximum of the sums.
        """
        return Work(count * self.launches, count * self.moved_bytes, count * self.flops)


@dataclass(frozen=True)
class Row:
    """One measured block.

    Attributes
    ----------
    family, what
        The kernels it stands for, and the shape in words.
    work
        What it does.
    seconds
        Median of the undisturbed repetitions [s].
    spread
        Their interquartile range over it.
    repetitions
        How often it was timed.
    """

    family: KernelFamily
    what: str
    work: Work
    seconds: float
    spread: float
    repetitions: int
