"""What a file tells about traffic: requests one by one, their totals, or the law of their lengths."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placer.errors import InputError

#: More tokens than any request has; a larger number is a slip of the pen.
MOST_TOKENS = 100_000_000

Scalar = TypeVar("Scalar", np.int64, np.float64)


@dataclass(frozen=True, eq=False)
class Trace:
    """Requests one by one; those without an answer are left out and counted in ``num_failed``.

    Attributes
    ----------
    input_tokens, output_tokens
        Lengths of prompt and answer [tokens], shape (num_requests,), read-only; every answer has a token.
    arrival_s
        When requests arrived, from any origin, in any order [s], shape (num_requests,); None = not told.
    weight
        How many requests each entry stands for, relatively, shape (num_requests,); None = one each.
    hit_tokens
        Input tokens whose block came before, of all requests together [tokens]; None = not told.
    duration_s
        Length of the trace where it is told beside arrivals [s].
    num_failed
        Requests without an answer; None = not told.
    """

    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    arrival_s: NDArray[np.float64] | None = None
    weight: NDArray[np.float64] | None = None
    hit_tokens: int | None = None
    duration_s: float | None = None
    num_failed: int | None = None


@dataclass(frozen=True)
class Totals:
    """Sums over all answered requests of a run, and nothing about single ones [tokens, s]."""

    num_requests: int
    input_tokens: int
    output_tokens: int
    duration_s: float
    num_failed: int | None = None


@dataclass(frozen=True)
class Lognormal:
    """A lognormal law of lengths: its mean [tokens] and its coefficient of variation."""

    mean: float
    cv: float


@dataclass(frozen=True)
class LognormalLengths:
    """Lengths of prompt and answer as independent lognormal laws."""

    input: Lognormal
    output: Lognormal


Traffic = Trace | Totals | LognormalLengths


class RequestColumns:
    """Requests as they are read: three columns of eight bytes a request."""

    def __init__(self) -> None:
        self._input, self._output, self._arrival = array("q"), array("q"), array("d")
        self._num_failed = 0

    def add(self, input_tokens: int, output_tokens: int, arrival_s: float) -> None:
        """Add a request; one without an answer is only counted."""
        if output_tokens == 0:
            self._num_failed += 1
            return
        self._input.append(input_tokens)
        self._output.append(output_tokens)
        self._arrival.append(arrival_s)

    def trace(self, where: str, *, hit_tokens: int | None = None) -> Trace:
        """Return the requests.

        Raises
        ------
        InputError
            If there are none, or none with an answer.
        """
        if not self._input:
            failed = f", only {self._num_failed} without an answer" if self._num_failed else ""
            raise InputError(f"has no requests{failed}", where=where)
        return Trace(
            input_tokens=read_only(self._input, np.int64),
            output_tokens=read_only(self._output, np.int64),
            arrival_s=read_only(self._arrival, np.float64),
            hit_tokens=hit_tokens,
            num_failed=self._num_failed,
        )


def read_only(values: ArrayLike, kind: type[Scalar]) -> NDArray[Scalar]:
    """Return values as an array that cannot be changed."""
    column = np.array(values, dtype=kind)
    column.setflags(write=False)
    return column
