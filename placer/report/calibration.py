"""What a calibration found, as tables."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table

from placer.calibrate.result import Calibration, CalibrationResult, Proof
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds


def render_calibration(result: CalibrationResult) -> Group:
    """Return rates, kernel families and, where there is one, the proof."""
    calibration = result.calibration
    machine = calibration.machine
    parts: list[Table | str] = [
        f"{machine.title}, {format_bytes(machine.memory_bytes)}; {machine.software}; {machine.date}\n",
        _rates(calibration),
        _families(calibration),
    ]
    if result.proof is not None:
        parts += [_points(result.proof), _verdict(result.proof)]
    return Group(*parts)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _rates(calibration: Calibration) -> Table:
    table = new_table("<peak", ">measured", ">IQR", title="Peaks")
    for rate in calibration.rates:
        unit = "GFLOP/s" if rate.name == "gemm" else "GB/s"
        table.add_row(rate.name, f"{rate.per_s / 1e9:.1f} {unit}", _percent(rate.spread))
    return table


def _families(calibration: Calibration) -> Table:
    table = new_table(
        *(
            "<family",
            ">floor",
            ">GB/s",
            ">GFLOP/s",
            "<overlap",
            ">rows fitted",
            ">held out",
            ">median error",
            ">p90 error",
        ),
        title="Kernels: floor per launch and rates; errors on rows the fit did not see",
    )
    for one in calibration.families:
        table.add_row(
            str(one.family),
            format_seconds(one.floor_s),
            f"{one.bytes_per_s / 1e9:.1f}",
            f"{one.flop_per_s / 1e9:.0f}",
            "full" if one.sharpness is None else "none",
            str(one.num_fitted),
            str(one.num_held_out),
            _percent(one.median_error),
            _percent(one.p90_error),
        )
    return table


def _points(proof: Proof) -> Table:
    table = new_table(
        *(">batch", ">context", ">measured TPOT", ">IQR", ">predicted", ">error"),
        title=f"Proof: {proof.decoder}; {proof.software}",
    )
    for point in proof.points:
        table.add_row(
            str(point.batch),
            str(point.context),
            f"{1e3 * point.measured_s:.2f} ms",
            _percent(point.spread),
            f"{1e3 * point.predicted_s:.2f} ms",
            f"{100 * point.error:+.1f} %",
        )
    return table


def _verdict(proof: Proof) -> str:
    return (
        f"TPOT error over {len(proof.points)} points: median {_percent(proof.median_error)}, "
        f"p90 {_percent(proof.p90_error)}"
    )
