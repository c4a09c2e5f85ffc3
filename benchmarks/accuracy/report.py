"""``docs/accuracy.md``: what is predicted beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.accuracy.points import Point
from benchmarks.accuracy.published import Published

Array = NDArray[np.float64]
_WORST = 25
_COLUMNS = (
    "model,width,device,tp,dp,pp,ep,isl,osl,requests,prefill,engine,version,fitted,"
    "tpot_s,predicted_tpot_s,ttft_s,predicted_ttft_s"
)
_FEWEST = 5


@dataclass(frozen=True)
class Compared:
    """Every point with its prediction.

    Attributes
    ----------
    points
        Measured.
    tpot_s, ttft_s : ndarray, shape (num_points,)
        Predicted.
    seen : ndarray of bool, shape (num_points,)
        Which points the engine's figures were fitted to.
    """

    points: tuple[Point, ...]
    tpot_s: Array
    ttft_s: Array
    seen: NDArray[np.bool_]

    @property
    def tpot_off(self) -> Array:
        """Predicted over measured TPOT."""
        return self.tpot_s / np.array([point.tpot_s for point in self.points])

    @property
    def ttft_off(self) -> Array:
        """Predicted over measured TTFT."""
        return self.ttft_s / np.array([point.ttft_s for point in self.points])

    def where(self, keep: Callable[[Point], object]) -> NDArray[np.bool_]:
        """Return which points a rule keeps."""
        return np.array([bool(keep(point)) for point in self.points])


def tables(compared: Compared, left_out: dict[str, tuple[float, float, int]], published: Sequence[Published]) -> str:
    """Return all tables as Markdown."""
    parts = [
        ("All points", _overall(compared)),
        ("A model the fit never saw", _unseen_models(left_out)),
        ("By model, shared devices", _by(compared, _short)),
        ("By device and width, shared devices", _by(compared, lambda point: f"{point.decode.device} {point.width}")),
        ("By engine, shared devices", _by(compared, lambda point: point.backend)),
        ("By requests at once, shared devices", _by(compared, _regime)),
        ("Prefill elsewhere, by model and device", _split(compared)),
        ("Published throughput at full load", _published(published)),
        ("The worst, shared devices", _worst(compared)),
    ]
    return "\n".join(line for title, lines in parts for line in (f"## {title}", "", *lines, ""))


def every_point(compared: Compared) -> str:
    """Return every point beside its prediction as CSV; one side's degrees where prefill is elsewhere: decode's."""
    lines = [_COLUMNS]
    for index, point in enumerate(compared.points):
        asked = point.decode
        degrees = (asked.tp, asked.dp, asked.pp, asked.ep, asked.isl, asked.osl, asked.concurrency)
        where = "shared" if point.is_shared else "elsewhere"
        times = (point.tpot_s, compared.tpot_s[index], point.ttft_s, compared.ttft_s[index])
        cells = [point.model, point.width, asked.device, *degrees, where, point.backend, point.version]
        cells += ["yes" if compared.seen[index] else "no", *(f"{seconds:.4g}" for seconds in times)]
        lines.append(",".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def _short(point: Point) -> str:
    return point.model.split("/")[-1]


def _errors(off: Array) -> str:
    away = np.abs(off - 1.0)
    return f"{np.median(away):.1%} | {np.quantile(away, 0.9):.1%} | {np.median(off):.2f}"


def _overall(compared: Compared) -> Iterator[str]:
    yield "| points | number | TPOT median | p90 | bias | TTFT median | p90 | bias |"
    yield "|---|---|---|---|---|---|---|---|"
    shared, clean = compared.where(lambda point: point.is_shared), compared.where(lambda point: not point.doubts)
    kinds = {
        "fitted to": compared.seen,
        "held out, shared devices, no doubts": ~compared.seen & shared & clean,
        "held out, shared devices": ~compared.seen & shared,
        "all, shared devices": shared,
        "prefill elsewhere": ~shared,
        "all": shared | ~shared,
    }
    for name, keep in kinds.items():
        yield f"| {name} | {keep.sum()} | {_errors(compared.tpot_off[keep])} | {_errors(compared.ttft_off[keep])} |"


def _unseen_models(left_out: dict[str, tuple[float, float, int]]) -> Iterator[str]:
    yield "Every figure refitted without one model, then asked for it; rows with doubts left out."
    yield ""
    yield "| model | points | TPOT median | p90 |"
    yield "|---|---|---|---|"
    for name, (median, p90, number) in left_out.items():
        yield f"| {name} | {number} | {median:.1%} | {p90:.1%} |"


def _by(compared: Compared, label: Callable[[Point], str]) -> Iterator[str]:
    yield "| | points | TPOT median | p90 | bias | Spearman | TTFT median | p90 | bias |"
    yield "|---|---|---|---|---|---|---|---|---|"
    shared = compared.where(lambda point: point.is_sound)
    labels = np.array([label(point) for point in compared.points])
    for name in sorted(set(labels[shared])):
        keep = shared & (labels == name)
        if keep.sum() >= _FEWEST:
            errors = f"{_errors(compared.tpot_off[keep])} | {_rank(compared, keep):.3f}"
            yield f"| {name} | {keep.sum()} | {errors} | {_errors(compared.ttft_off[keep])} |"


def _rank(compared: Compared, keep: NDArray[np.bool_]) -> float:
    measured = np.array([point.tpot_s for point in compared.points])
    return float(spearmanr(compared.tpot_s[keep], measured[keep])[0])


_REGIMES = (1, 8, 32, 128, 512)


def _regime(point: Point) -> str:
    most = next((most for most in _REGIMES if point.decode.concurrency <= most), None)
    return f"up to {most:4d}" if most else "more"


def _split(compared: Compared) -> Iterator[str]:
    yield "| | points | TPOT median | p90 | bias | TTFT median | p90 | bias |"
    yield "|---|---|---|---|---|---|---|---|"
    split = compared.where(lambda point: not point.is_shared)
    labels = np.array([f"{_short(point)} {point.decode.device} {point.width}" for point in compared.points])
    for name in sorted(set(labels[split])):
        keep = split & (labels == name)
        if keep.sum() >= _FEWEST:
            yield f"| {name} | {keep.sum()} | {_errors(compared.tpot_off[keep])} | {_errors(compared.ttft_off[keep])} |"


def _published(published: Sequence[Published]) -> Iterator[str]:
    yield "Output tokens/s per device; as many requests as fit, at most 2,048 (the engine's default)."
    yield ""
    yield "| | points | median | p90 | bias |"
    yield "|---|---|---|---|---|"
    off = np.array([point.predicted / point.measured for point in published])
    labels = np.array([" ".join(point.what.split()[:3]) for point in published])
    for name in (*sorted(set(labels)), "all"):
        keep = (labels == name) | (name == "all")
        yield f"| {name} | {keep.sum()} | {_errors(off[keep])} |"


def _worst(compared: Compared) -> Iterator[str]:
    yield "| model | device | TP x DP, EP | in/out | requests | engine | measured TPOT | predicted | doubt |"
    yield "|---|---|---|---|---|---|---|---|---|"
    away = np.where(compared.where(lambda point: point.is_shared), np.abs(np.log(compared.tpot_off)), -1.0)
    for index in np.argsort(-away)[:_WORST]:
        point, asked = compared.points[index], compared.points[index].decode
        yield (
            f"| {_short(point)} {point.width} | {asked.num_devices} {asked.device} "
            f"| {asked.tp} x {asked.dp}, {asked.ep} | {asked.isl}/{asked.osl} | {asked.concurrency} "
            f"| {point.backend} {point.version} | {point.tpot_s * 1e3:.1f} ms | {compared.tpot_s[index] * 1e3:.1f} ms "
            f"| {'; '.join(point.doubts)} |"
        )
