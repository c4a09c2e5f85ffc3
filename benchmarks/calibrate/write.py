"""Fitted parameters into device and link files: the block they fill is replaced, the rest stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.calibrate.collectives import FittedCollective
from placer.catalog.kernel import FitError, KernelModel
from placer.catalog.link import StartUp
from placer.files import write_atomic
from placer.model.precision import WeightFormat

_NOTE = " # fitted by python -m benchmarks.calibrate; the formula is in docs/method.md, section 3"
_SCALES = ((1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"), (1e-12, "ps"))


def write_kernels(path: Path, kernels: Iterable[KernelModel]) -> None:
    """Replace the ``kernels`` of a device file; BF16 stands for every format not listed."""
    lines = [f"  - {{{', '.join(_kernel_fields(kernel))}}}" for kernel in sorted(kernels, key=_order)]
    _replace(path, "kernels", lines)


def write_start_ups(path: Path, fitted: FittedCollective) -> None:
    """Replace a link's table of one collective; entries for more devices than were measured stay."""
    operation = fitted.messages.operation
    most = max(entry.devices for entry in fitted.entries)
    kept = [line for line in _block(path.read_text(encoding="utf-8"), operation) if _devices(line) > most]
    measured = [f"  - {{{', '.join(_start_up_fields(entry))}}}" for entry in fitted.entries]
    _replace(path, operation, [*measured, *kept])


def _order(kernel: KernelModel) -> tuple[str, bool, str]:
    return kernel.family, kernel.weights is not WeightFormat.BF16, str(kernel.weights)


def _kernel_fields(kernel: KernelModel) -> list[str]:
    weights = [] if kernel.weights in {None, WeightFormat.BF16} else [f"weights: {kernel.weights}"]
    numbers = [
        f"{name}: {value:g}" for name in ("mbu", "mfu", "sharpness") if (value := getattr(kernel, name)) is not None
    ]
    times = [
        f"{name}: {_seconds(getattr(kernel, name))}"
        for name in ("depth", "ramp", "per_expert")
        if getattr(kernel, name)
    ]
    ramp = [f"ramp_bytes: {kernel.ramp_bytes / 1e6:.4g} MB"] if kernel.ramp else []
    amounts = [
        f"{name}: {getattr(kernel, name):g}" for name in ("handling", "tile", "per_score") if getattr(kernel, name)
    ]
    head = [f"family: {kernel.family}", *weights, f"floor: {_seconds(kernel.floor)}"]
    return [*head, *numbers, *times, *ramp, *amounts, *_error(kernel.error)]


def _start_up_fields(entry: StartUp) -> list[str]:
    fields = [f"devices: {entry.devices}", f"latency: {_seconds(entry.latency)}", f"efficiency: {entry.efficiency:g}"]
    if entry.ramp:
        fields += [f"ramp: {_seconds(entry.ramp)}", f"ramp_bytes: {entry.ramp_bytes / 1e6:.4g} MB"]
    return fields + _error(entry.error)


def _error(error: FitError | None) -> list[str]:
    if error is None:
        return []
    return [f"error: {{median: {error.median:g}, p90: {error.p90:g}, rows: {error.rows}}}"]


def _seconds(value: float) -> str:
    scale, unit = next(((scale, unit) for scale, unit in _SCALES if value >= scale), _SCALES[-1])
    return f"{value / scale:.4g} {unit}"


def _devices(line: str) -> int:
    found = re.search(r"devices: (\d+)", line)
    return int(found[1]) if found else 0


def _block(text: str, key: str) -> list[str]:
    """Return the lines under a top-level key."""
    found = re.search(rf"^{key}:[^\n]*\n((?:[ ]+[^\n]*\n)*)", text, re.MULTILINE)
    return found[1].splitlines() if found else []


def _replace(path: Path, key: str, lines: Sequence[str]) -> None:
    text = path.read_text(encoding="utf-8")
    block = f"{key}:{_NOTE}\n" + "".join(f"{line}\n" for line in lines)
    replaced, count = re.subn(rf"^{key}:[^\n]*\n(?:[ ]+[^\n]*\n)*", lambda _: block, text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"{path}: no block {key}")
    write_atomic(path, replaced)
