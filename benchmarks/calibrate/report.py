"""The table of held-out errors, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.calibrate.collectives import FittedCollective
from benchmarks.calibrate.fit import Fitted
from placer.catalog.kernel import KernelFamily

#: What the field would call good, by family: median and 90th percentile.
_TARGETS = {KernelFamily.MOE: (0.15, 0.40)}
_TARGET = (0.10, 0.30)
_WORST = 3


def error_tables(fits: Sequence[Fitted], collectives: Sequence[FittedCollective]) -> str:
    """Return one table of kernels, one of collectives, and where kernels beyond their target are off."""
    return "\n".join([*_kernels(fits), "", *_collectives(collectives), "", *_worst(fits)]) + "\n"


def _kernels(fits: Sequence[Fitted]) -> Iterator[str]:
    yield "| family | stored as | device | median | p90 | held-out rows |"
    yield "|---|---|---|---|---|---|"
    for fit in sorted(fits, key=lambda fit: (fit.rows.family, fit.rows.weights, fit.rows.system)):
        error = fit.kernel.error
        if error is not None:
            mark = "" if _is_good(fit) else " (beyond target)"
            head = f"| {fit.rows.family} | {fit.rows.weights} | {fit.rows.system} "
            yield head + f"| {error.median:.1%} | {error.p90:.1%}{mark} | {error.rows} |"


def _collectives(collectives: Sequence[FittedCollective]) -> Iterator[str]:
    yield "| collective | link | device | median | p90 | held-out rows |"
    yield "|---|---|---|---|---|---|"
    for fitted in collectives:
        for system, error in fitted.errors.items():
            head = f"| {fitted.messages.operation} | {fitted.messages.link} | {system} "
            yield head + f"| {error.median:.1%} | {error.p90:.1%} | {error.rows} |"


def _is_good(fit: Fitted) -> bool:
    median, p90 = _TARGETS.get(fit.rows.family, _TARGET)
    return fit.kernel.error is not None and fit.kernel.error.median <= median and fit.kernel.error.p90 <= p90


def _worst(fits: Sequence[Fitted]) -> Iterator[str]:
    yield "| beyond target | rows | predicted over measured (median) |"
    yield "|---|---|---|"
    for fit in fits:
        if _is_good(fit):
            continue
        labels = np.array(fit.rows.labels)
        medians = {
            label: float(np.median(fit.ratio[fit.held_out & (labels == label)]))
            for label in dict.fromkeys(fit.rows.labels)
            if (fit.held_out & (labels == label)).any()
        }
        for label in sorted(medians, key=lambda label: -abs(np.log(medians[label])))[:_WORST]:
            yield f"| {fit.rows.family} {fit.rows.weights} {fit.rows.system} | {label} | {medians[label]:.2f} |"
