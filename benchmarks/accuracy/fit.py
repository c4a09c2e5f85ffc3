"""The engine's figures, fitted to a random half of the measured points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from benchmarks.accuracy.points import Point
from placer.catalog.engine import ServingEngine
from placer.predict.predict import Steps, times

Array = NDArray[np.float64]

TPOT_FIGURES = (
    "launches",
    "matrices",
    "attention",
    "experts",
    "collectives",
    "layer_overhead",
    "step_overhead",
    "sequence_overhead",
    "prefill_work",
    "prefill_launches",
)
TTFT_FIGURES = (
    "first_token_overhead",
    "first_token_prefill",
    "first_token_steps",
    "first_token_burst",
    "first_token_queue",
    "first_token_request",
)
#: Devices whose own overhead per layer is fitted beside the engine's.
HOPPER = ("h100-sxm", "h200-sxm")
_SEED = 0
#: Relative errors beyond this count linearly; a weak pull to the start bounds what data cannot tell apart.
_TPOT_ROBUST, _TTFT_ROBUST, _PULL = 0.15, 0.15, 0.02

Pair = tuple[Steps, Steps]


def seen_by_fit(points: Sequence[Point]) -> NDArray[np.bool_]:
    """Return which points a fit may see: a random half of the measurements, copies together; none with doubts."""
    keys = sorted({point.key for point in points}, key=repr)
    draws = dict(zip(keys, np.random.default_rng(_SEED).random(len(keys)) < 0.5, strict=True))
    return np.array([draws[point.key] and point.is_sound for point in points])


def fit_engine(start: ServingEngine, points: Sequence[Point], steps: Sequence[Pair]) -> tuple[ServingEngine, float]:
    """Return the fitted engine, and the overhead per layer of Hopper devices [s]."""
    chosen = [index for index, is_seen in enumerate(seen_by_fit(points)) if is_seen]
    own = [points[index].decode.device in HOPPER for index in chosen]
    mine = [steps[index] for index in chosen]
    measured = np.array([[points[index].tpot_s, points[index].ttft_s] for index in chosen])
    hopper_s = next((pair[0].layer_overhead_s for pair, is_own in zip(mine, own, strict=True) if is_own), None)
    first = np.array([_value(start, name) for name in TPOT_FIGURES] + [hopper_s or start.layer_overhead])

    def tpots(factors: Array) -> Array:
        engine = _with(start, TPOT_FIGURES, (first * np.exp(factors))[:-1])
        hopper = float((first * np.exp(factors))[-1])
        return np.array(
            [
                times(with_overhead(pair[0], hopper if is_own else None), engine).tpot_s
                for pair, is_own in zip(mine, own, strict=True)
            ]
        )

    values = first * np.exp(_solve(lambda factors: np.log(tpots(factors) / measured[:, 0]), len(first), _TPOT_ROBUST))
    engine, hopper = _with(start, TPOT_FIGURES, values[:-1]), float(f"{values[-1]:.3g}")
    fixed = _overheads(mine, own, hopper)
    begin = np.array([_value(engine, name) for name in TTFT_FIGURES])

    def ttfts(factors: Array) -> Array:
        tried = _with(engine, TTFT_FIGURES, begin * np.exp(factors))
        return np.array([times(one, tried).ttft_s for one in fixed])

    last = begin * np.exp(_solve(lambda factors: np.log(ttfts(factors) / measured[:, 1]), len(begin), _TTFT_ROBUST))
    return _with(engine, TTFT_FIGURES, last), hopper


def _solve(misfit: Callable[[Array], Array], size: int, robust: float) -> Array:
    def pulled(factors: Array) -> Array:
        return np.concatenate([misfit(np.clip(factors, -6.0, 6.0)), _PULL * factors])

    found = least_squares(pulled, np.zeros(size), loss="soft_l1", f_scale=robust, diff_step=1e-3)
    return np.clip(found.x, -6.0, 6.0)


def _overheads(steps: Sequence[Pair], own: Sequence[bool], hopper_s: float) -> list[Steps]:
    return [with_overhead(pair[0], hopper_s if is_own else None) for pair, is_own in zip(steps, own, strict=True)]


def with_overhead(steps: Steps, layer_overhead_s: float | None) -> Steps:
    """Return steps on a device with another overhead per layer."""
    return replace(steps, layer_overhead_s=layer_overhead_s)


def _value(engine: ServingEngine, name: str) -> float:
    return float(getattr(engine, name))


def _with(engine: ServingEngine, names: Sequence[str], values: Array) -> ServingEngine:
    return engine.model_copy(update={name: float(value) for name, value in zip(names, values, strict=True)})
