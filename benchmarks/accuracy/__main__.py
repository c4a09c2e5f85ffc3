"""Predict every measured deployment and say how far off the predictions are."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.accuracy.fit import HOPPER, TPOT_FIGURES, TTFT_FIGURES, fit_engine, seen_by_fit, with_overhead
from benchmarks.accuracy.points import Point, read_points
from benchmarks.accuracy.predicted import steps_of
from benchmarks.accuracy.published import read_published
from benchmarks.accuracy.report import Compared, every_point, tables
from placer.catalog.engine import ServingEngine
from placer.catalog.loader import load_engine
from placer.files import write_atomic
from placer.paths import catalog_root
from placer.predict.predict import Steps, times

_DEFAULT = Path("..") / "shared" / "data" / "measured"
_LEAST_TO_LEAVE_OUT = 100
_TEXT = Path(__file__).parent / "accuracy.md"
Pairs = list[tuple[Steps, Steps]]


def main() -> None:
    """Print the tables; ``--fit`` refits and writes the engine first, ``--report`` writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=_DEFAULT, help="measured deployments (CSV)")
    parser.add_argument("--fit", action="store_true", help="fit the engine's figures and write them into fleets/")
    parser.add_argument("--report", type=Path, help="write the page to this Markdown file")
    parser.add_argument("--points", type=Path, help="write every point beside its prediction to this CSV file")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder}: no such folder; expected the measured deployments")
    points, engine = tuple(read_points(options.folder)), load_engine("generic")
    steps = [steps_of(point, engine) for point in points]
    if options.fit:
        engine, hopper_s = fit_engine(engine, points, steps)
        engine = _write(engine, hopper_s)
        steps = _with_hopper(points, steps, hopper_s)
    compared = _compare(engine, points, steps)
    text = tables(
        compared,
        _leave_models_out(engine, points, steps),
        list(read_published(options.folder / "points.csv", engine)),
    )
    print(text)
    if options.points:
        write_atomic(options.points, every_point(compared))
    if options.report:
        write_atomic(options.report, _TEXT.read_text(encoding="utf-8") + "\n" + text.rstrip("\n") + "\n")


def _compare(engine: ServingEngine, points: tuple[Point, ...], steps: Pairs) -> Compared:
    tpot_s = np.array([times(decode, engine).tpot_s for decode, _ in steps])
    ttft_s = np.array([times(prefill, engine).ttft_s for _, prefill in steps])
    return Compared(points, tpot_s, ttft_s, seen_by_fit(points))


def _with_hopper(points: Sequence[Point], steps: Pairs, hopper_s: float) -> Pairs:
    own = [hopper_s if point.decode.device in HOPPER else None for point in points]
    return [
        (with_overhead(pair[0], seconds), with_overhead(pair[1], seconds))
        for pair, seconds in zip(steps, own, strict=True)
    ]


def _leave_models_out(
    engine: ServingEngine, points: tuple[Point, ...], steps: Pairs
) -> dict[str, tuple[float, float, int]]:
    """Return median, p90 and number of TPOT errors of each large model under figures fitted without it."""
    names = sorted({point.model for point in points})
    found: dict[str, tuple[float, float, int]] = {}
    for name in names:
        mine = [index for index, point in enumerate(points) if point.model == name and point.is_sound]
        if len(mine) < _LEAST_TO_LEAVE_OUT:
            continue
        others = [index for index, point in enumerate(points) if point.model != name]
        other, hopper_s = fit_engine(engine, [points[index] for index in others], [steps[index] for index in others])
        asked = _with_hopper([points[index] for index in mine], [steps[index] for index in mine], hopper_s)
        measured = np.array([points[index].tpot_s for index in mine])
        away = np.abs(np.array([times(decode, other).tpot_s for decode, _ in asked]) / measured - 1.0)
        found[name] = float(np.median(away)), float(np.quantile(away, 0.9)), len(mine)
    return found


def _write(engine: ServingEngine, hopper_s: float) -> ServingEngine:
    """Write the figures into the catalog and return the engine as it was written."""
    fleets = catalog_root() / "fleets"
    path = fleets / "engines" / f"{engine.name}.yaml"
    text = path.read_text(encoding="utf-8")
    seconds = {"layer_overhead", "step_overhead", "sequence_overhead", "first_token_overhead", "first_token_request"}
    for name in (*TPOT_FIGURES, *TTFT_FIGURES):
        value = float(getattr(engine, name))
        written = f"{value * 1e6:.3g} us" if name in seconds else f"{value:.3g}"
        text = re.sub(rf"^{name}: .*$", f"{name}: {written}", text, flags=re.MULTILINE)
    write_atomic(path, text)
    for device in HOPPER:
        file = fleets / "devices" / f"{device}.yaml"
        line = f"layer_overhead: {hopper_s * 1e6:.3g} us"
        write_atomic(file, re.sub(r"^layer_overhead: .*$", line, file.read_text(encoding="utf-8"), flags=re.MULTILINE))
    load_engine.cache_clear()
    return load_engine(engine.name)


if __name__ == "__main__":
    main()
