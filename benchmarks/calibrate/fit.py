"""Least squares of a kernel model on measured rows, half of them held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from benchmarks.calibrate.rows import Array, Rows
from placer.catalog.kernel import FitError, KernelFamily, KernelModel
from placer.cost.op_time import Work, kernel_time_s

_SEED = 0
#: Relative errors beyond this count linearly: a few rows off a kernel cliff must not bend the rest.
_ROBUST = 0.1


def _log(unit: float) -> tuple[Callable[[float], float], float]:
    return lambda value: unit * float(np.exp(min(value, 30.0))), 0.0


def _share(start: float) -> tuple[Callable[[float], float], float]:
    return lambda value: float(np.clip(1.0 / (1.0 + np.exp(-value)), 1e-3, 1.0)), start


def _sharpness(value: float) -> float:
    return 1.0 + float(np.exp(np.clip(value, -10.0, 2.3)))


#: Every parameter: how a free number becomes it, and where the search starts.
PARAMETERS: dict[str, tuple[Callable[[float], float], float]] = {
    "floor": _log(8e-6),
    "mbu": _share(1.5),
    "mfu": _share(0.5),
    "sharpness": (_sharpness, 1.0),
    "depth": _log(3e-10),
    "ramp": _log(5e-6),
    "ramp_bytes": _log(1e7),
    "handling": _log(1.0),
    "tile": _log(3.0),
    "per_expert": _log(5e-9),
    "per_score": _log(8.0),
}

#: Which parameters a family has; the rest stay at zero.
FORMS: dict[KernelFamily, tuple[str, ...]] = {
    KernelFamily.GEMM: ("floor", "mbu", "mfu", "sharpness", "depth", "handling"),
    KernelFamily.ATTENTION: ("floor", "mbu", "mfu", "sharpness", "ramp", "ramp_bytes"),
    KernelFamily.ATTENTION_PREFILL: ("floor", "mbu", "mfu", "sharpness", "depth", "per_score"),
    KernelFamily.MLA: ("floor", "mbu", "mfu", "sharpness", "ramp", "ramp_bytes"),
    KernelFamily.MLA_PREFILL: ("floor", "mbu", "mfu", "sharpness", "depth"),
    KernelFamily.MOE: ("floor", "mbu", "mfu", "sharpness", "depth", "handling", "tile", "per_expert"),
}


@dataclass(frozen=True)
class Fitted:
    """A fitted model, and what it makes of every row.

    Attributes
    ----------
    rows, kernel
        What was fitted, and the result; its error is that of the rows held out.
    ratio : ndarray, shape (num_rows,)
        Predicted over measured.
    held_out : ndarray of bool, shape (num_rows,)
    """

    rows: Rows
    kernel: KernelModel
    ratio: Array
    held_out: NDArray[np.bool_]


def fit(rows: Rows, bandwidth_bytes_per_s: float, peak_flops_per_s: float) -> Fitted:
    """Fit the family's model to a random half of the rows and judge it on the other.

    Parameters
    ----------
    rows
        Measured.
    bandwidth_bytes_per_s, peak_flops_per_s
        Peaks the efficiencies refer to.
    """
    names = FORMS[rows.family]
    held_out = np.random.default_rng(_SEED).random(len(rows.seconds)) < 0.5
    seen = _select(rows.work, ~held_out)
    speeds = {"bandwidth_bytes_per_s": bandwidth_bytes_per_s, "peak_flops_per_s": peak_flops_per_s}

    def misfit(values: Array) -> Array:
        predicted = kernel_time_s(_kernel(rows, names, values), seen, **speeds)
        return np.asarray(np.log(predicted / rows.seconds[~held_out]))

    starts = [np.array([PARAMETERS[name][1] for name in names])]
    starts.append(starts[0] - 1.5 * np.array([name == "mbu" for name in names]))
    tries = [least_squares(misfit, start, loss="soft_l1", f_scale=_ROBUST) for start in starts]
    best = min(tries, key=lambda found: float(found.cost)).x
    kernel = _rounded(_kernel(rows, names, best))
    ratio = kernel_time_s(kernel, rows.work, **speeds) / rows.seconds
    off = np.abs(ratio[held_out] - 1.0)
    error = FitError(median=round(float(np.median(off)), 3), p90=round(float(np.quantile(off, 0.9)), 3), rows=len(off))
    return Fitted(rows, kernel.model_copy(update={"error": error}), ratio, held_out)


def _kernel(rows: Rows, names: tuple[str, ...], values: Array) -> KernelModel:
    given = {name: PARAMETERS[name][0](float(value)) for name, value in zip(names, values, strict=True)}
    return KernelModel.model_construct(family=rows.family, weights=rows.weights, **given)


#: Below these a term never reaches a nanosecond: it is left out.
_NEGLIGIBLE = {"depth": 1e-14, "ramp": 1e-9, "handling": 1e-3, "tile": 1e-2, "per_expert": 1e-12, "per_score": 1e-2}


def _rounded(kernel: KernelModel) -> KernelModel:
    """Return a model as it will be written: four digits, terms without weight left out."""
    update: dict[str, float] = {}
    for name in PARAMETERS:
        value = getattr(kernel, name)
        if value is not None:
            update[name] = 0.0 if value < _NEGLIGIBLE.get(name, 0.0) else float(f"{value:.4g}")
    if update.get("ramp") == 0.0:
        update["ramp_bytes"] = 1.0
    return kernel.model_copy(update=update)


def _select(work: Work[Array], keep: NDArray[np.bool_]) -> Work[Array]:
    chosen = {}
    for field in fields(work):
        value = getattr(work, field.name)
        chosen[field.name] = value[keep] if isinstance(value, np.ndarray) else value
    return Work(**chosen)
