"""From measured rows to floor and rates of a kernel family: robust, on relative errors, by the planner's own formula.

What is fitted is what `cost.op_time` will say, no other form. Each parameter is a logarithm that a pattern search with
shrinking steps moves, from several starts: three numbers, a loss with kinks, no gradient needed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.calibrate.row import Row, Work
from placer.catalog.kernel import KernelFamily, KernelModel
from placer.cost.op_time import Work as PlannedWork
from placer.cost.op_time import kernel_time_s
from placer.errors import InputError

Array = NDArray[np.float64]
#: Rows a fit needs at least: twice the parameters.
FEWEST_ROWS = 6
#: Every third row is kept back.
HELD_OUT_EVERY = 3
#: Relative errors above this count linearly, not squared: one bad row must not bend the rest.
_KNEE = 0.1
_LEAST_FLOOR_S = 1e-9
_STEPS = tuple(0.5 * 0.6**turn for turn in range(24))
_DIRECTIONS = 40


#: Whether streaming and computing overlap (the slower counts) or follow each other (the sum does).
SHARPNESSES = (None, 1.0)


@dataclass(frozen=True)
class Kernel:
    """Fitted parameters: seconds a launch, bytes and FLOPs a second, and whether the two overlap."""

    floor_s: float
    bytes_per_s: float
    flop_per_s: float
    sharpness: float | None = None


@dataclass(frozen=True)
class Errors:
    """Relative errors ``|predicted / measured - 1|`` over some rows."""

    median: float
    p90: float
    num_rows: int


@dataclass(frozen=True)
class FamilyFit:
    """A family's kernel, and how well it foretells rows it has not seen."""

    family: KernelFamily
    kernel: Kernel
    held_out: Errors
    num_fitted: int
    spread: float


@dataclass(frozen=True)
class _Table:
    launches: Array
    moved_bytes: Array
    flops: Array
    seconds: Array
    sharpness: float | None


def _table(rows: Sequence[Row], sharpness: float | None) -> _Table:
    columns = [(row.work.launches, row.work.moved_bytes, row.work.flops, row.seconds) for row in rows]
    launches, moved_bytes, flops, seconds = np.asarray(columns, dtype=np.float64).T
    return _Table(launches, moved_bytes, flops, seconds, sharpness)


def predicted_s(kernel: Kernel, rows: Sequence[Row]) -> Array:
    """Return the times the planner's formula gives for some rows, shape (num_rows,)."""
    return _predict(np.log([kernel.floor_s, kernel.bytes_per_s, kernel.flop_per_s]), _table(rows, kernel.sharpness))


def without(work: Work, kernel: Kernel, seconds: float) -> float:
    """Return what is left of a time when one family's part is taken off; never less than a tenth."""
    part = Row(KernelFamily.ATTENTION, "", work, seconds, 0.0, 0)
    return max(seconds - float(predicted_s(kernel, [part])[0]), 0.1 * seconds)


def _predict(logs: Array, table: _Table) -> Array:
    floor, bytes_per_s, flop_per_s = np.exp(logs)
    # The floor is multiplied here, since launches differ from row to row and the formula takes one number.
    model = KernelModel.model_construct(
        family=KernelFamily.GEMM, floor=0.0, mbu=1.0, mfu=1.0, sharpness=table.sharpness
    )
    work = PlannedWork(table.moved_bytes, table.flops)
    streamed = kernel_time_s(model, work, bandwidth_bytes_per_s=bytes_per_s, peak_flops_per_s=flop_per_s)
    return np.asarray(table.launches * floor + streamed)


def _loss(logs: Array, table: _Table) -> float:
    off = np.abs(np.log(_predict(logs, table) / table.seconds))
    return float(np.mean(np.where(off < _KNEE, off**2 / (2 * _KNEE), off - _KNEE / 2)))


def fit_kernel(rows: Sequence[Row]) -> Kernel:
    """Return the floor and rates that foretell some rows best, with or without overlap, whichever fits closer.

    Parameters
    ----------
    rows
        Of one family.

    Raises
    ------
    InputError
        If there are fewer than six.
    """
    if len(rows) < FEWEST_ROWS:
        raise InputError(f"a fit needs {FEWEST_ROWS} measured rows, got {len(rows)}")
    found = [_fitted(_table(rows, sharpness)) for sharpness in SHARPNESSES]
    return min(found, key=lambda pair: pair[0])[1]


def _fitted(table: _Table) -> tuple[float, Kernel]:
    """Return the loss of the best fit of a form, and the fit."""
    each = table.seconds / np.maximum(table.launches, 1.0)
    floors = np.quantile(each, [0.0, 0.1]) * 0.8
    streaming = np.quantile(table.moved_bytes / table.seconds, [0.5, 0.9, 1.0])
    computing = np.quantile(table.flops / table.seconds, [0.5, 0.9, 1.0])
    starts = itertools.product(floors, streaming, computing)
    found = [_descend(np.log(np.maximum(start, _LEAST_FLOOR_S)), table) for start in starts]
    best = min(found, key=lambda logs: _loss(logs, table))
    floor_s, bytes_per_s, flop_per_s = (float(value) for value in np.exp(best))
    return _loss(best, table), Kernel(floor_s, bytes_per_s, flop_per_s, table.sharpness)


def _descend(logs: Array, table: _Table) -> Array:
    """Return the end of a pattern search: steps in fixed random directions, ever shorter."""
    directions = np.random.default_rng(0).normal(size=(_DIRECTIONS, len(logs)))
    directions = np.concatenate([np.eye(len(logs)), -np.eye(len(logs)), directions])
    best = _loss(logs, table)
    for step in _STEPS:
        for direction in directions:
            tried = logs + step * direction
            loss = _loss(tried, table)
            if loss < best and tried[0] >= np.log(_LEAST_FLOOR_S):
                logs, best = tried, loss
    return logs


def errors_of(predicted: Array, measured: Array) -> Errors:
    """Return median and 90th percentile of the relative errors."""
    relative = np.abs(predicted / measured - 1.0)
    return Errors(float(np.median(relative)), float(np.quantile(relative, 0.9)), len(relative))


def fit_family(family: KernelFamily, rows: Sequence[Row]) -> FamilyFit:
    """Fit the rows of a family but every third, and say how wrong the fit is on those.

    Rows are sorted by work first, so that the kept-back ones lie all over.
    """
    ordered = sorted((row for row in rows if row.family is family), key=lambda row: (row.work.flops, row.what))
    kept_back = ordered[1::HELD_OUT_EVERY]
    fitted = [row for index, row in enumerate(ordered) if index % HELD_OUT_EVERY != 1]
    kernel = fit_kernel(fitted)
    measured = np.array([row.seconds for row in kept_back])
    spread = float(np.median([row.spread for row in ordered]))
    return FamilyFit(family, kernel, errors_of(predicted_s(kernel, kept_back), measured), len(fitted), spread)
