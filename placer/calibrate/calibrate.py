"""The recipe: time everything, fit the kernels, compare with the decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from placer.calibrate.backend import Backend
from placer.calibrate.blocks import Blocks
from placer.calibrate.device_file import Money, build_device
from placer.calibrate.fit import FamilyFit, fit_family
from placer.calibrate.machine import describe
from placer.calibrate.measure import Call, Progress, Sample, ignore, measure
from placer.calibrate.peaks import Peak, peak_rates, peak_tasks
from placer.calibrate.proof import Point, build_decoder, compare, proof_tasks
from placer.calibrate.result import Calibration, CalibrationResult, FamilyResult, Machine, MeasuredRate
from placer.calibrate.row import Row
from placer.calibrate.shapes import Case, all_cases
from placer.catalog.device import KernelFamily

FAMILIES = (KernelFamily.GEMM, KernelFamily.ATTENTION, KernelFamily.MOE)
#: How often everything is come back to.
ROUNDS, QUICK_ROUNDS = 8, 2

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Request:
    """What a calibration is asked for.

    Attributes
    ----------
    name
        What pools will call the device.
    money
        Rent and power.
    is_quick
        Whether to measure fewer blocks, less often.
    is_proved
        Whether a real decoder runs too.
    """

    name: str
    money: Money
    is_quick: bool = False
    is_proved: bool = True


def calibrate(backend: Backend, request: Request, *, progress: Progress = ignore) -> CalibrationResult:
    """Measure a machine, fit its kernels, and compare with a real decoder.

    The decoder's steps are timed in the same rounds as the kernels, but nothing of them enters the fit.

    Parameters
    ----------
    backend
        What to measure.
    request
        What is wanted.
    progress
        Told what is being measured.

    Raises
    ------
    InputError
        If a decoder is to run and transformers is not installed.
    """
    machine, blocks = describe(backend), Blocks(backend)
    decoder = build_decoder(backend) if request.is_proved else None
    tasks: dict[Peak | Case | Point, Callable[[], Call]] = {
        **peak_tasks(backend, blocks),
        **{case: partial(blocks.build, case) for case in all_cases(is_quick=request.is_quick)},
        **(proof_tasks(decoder) if decoder else {}),
    }
    samples = measure(backend, tasks, QUICK_ROUNDS if request.is_quick else ROUNDS, progress=progress)
    rows = [_row(case, sample) for case, sample in _of_kind(Case, samples).items()]
    calibration = summarize(machine, peak_rates(blocks, _of_kind(Peak, samples)), rows)
    device = build_device(request.name, calibration, request.money)
    if decoder is None:
        return CalibrationResult(device=device, calibration=calibration)
    proof = compare(device, decoder, _of_kind(Point, samples))
    errors = {"median_error": proof.median_error, "p90_error": proof.p90_error}
    return CalibrationResult(device=device, calibration=calibration, proof=proof, **errors)


def _of_kind(kind: type[Kind], samples: Mapping[Peak | Case | Point, Sample]) -> dict[Kind, Sample]:
    return {key: sample for key, sample in samples.items() if isinstance(key, kind)}


def _row(case: Case, sample: Sample) -> Row:
    return Row(case.family, case.what, case.work(), sample.seconds, sample.spread, len(sample.timings))


def summarize(machine: Machine, rates: Sequence[MeasuredRate], rows: Sequence[Row]) -> Calibration:
    """Return the fits of all families, and the peaks their efficiencies are shares of.

    A peak is the best rate of any kernel measured, or fitted where that is higher.
    """
    fits = [fit_family(family, rows) for family in FAMILIES]
    streaming = [rate.per_s for rate in rates if rate.name != Peak.GEMM]
    computing = [rate.per_s for rate in rates if rate.name == Peak.GEMM]
    return Calibration(
        machine=machine,
        rates=tuple(rates),
        bandwidth_bytes_per_s=max(streaming + [fit.kernel.bytes_per_s for fit in fits]),
        peak_flop_per_s=max(computing + [fit.kernel.flop_per_s for fit in fits]),
        families=tuple(_result(fit) for fit in fits),
    )


def _result(fit: FamilyFit) -> FamilyResult:
    return FamilyResult(
        family=fit.family,
        floor_s=fit.kernel.floor_s,
        bytes_per_s=fit.kernel.bytes_per_s,
        flop_per_s=fit.kernel.flop_per_s,
        num_fitted=fit.num_fitted,
        num_held_out=fit.held_out.num_rows,
        median_error=fit.held_out.median,
        p90_error=fit.held_out.p90,
        spread=fit.spread,
    )
