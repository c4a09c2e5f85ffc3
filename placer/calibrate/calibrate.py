"""The recipe: time everything, fit the kernels, compare with the decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from placer.calibrate.backend import Backend
from placer.calibrate.blocks import Blocks
from placer.calibrate.decoder import Decoders
from placer.calibrate.device_file import Money, build_device
from placer.calibrate.fit import FamilyFit, fit_family, without
from placer.calibrate.machine import describe
from placer.calibrate.measure import Call, Progress, Sample, ignore, measure
from placer.calibrate.peaks import Peak, peak_rates, peak_tasks
from placer.calibrate.proof import SHAPE, Point, compare, proof_tasks
from placer.calibrate.result import Calibration, CalibrationResult, FamilyResult, Machine, MeasuredRate, MeasuredRow
from placer.calibrate.row import Row
from placer.calibrate.shapes import Block, Case, all_cases
from placer.catalog.kernel import KernelFamily

#: How often everything is come back to.
ROUNDS, QUICK_ROUNDS = 6, 2

Key = Peak | Case | Point
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
        If transformers is not installed.
    """
    machine, blocks, decoders = describe(backend), Blocks(backend), Decoders(backend)
    tasks: dict[Key, Callable[[], Call]] = {}
    tasks.update(peak_tasks(backend, blocks).items())
    for case in all_cases(backend.device, is_quick=request.is_quick):
        is_step = case.block is Block.STEP
        tasks[case] = partial(_step, decoders, case) if is_step else partial(blocks.build, case)
    tasks.update(proof_tasks(decoders.get(SHAPE)).items() if request.is_proved else ())
    samples = measure(backend, tasks, QUICK_ROUNDS if request.is_quick else ROUNDS, progress=progress)
    rates = peak_rates(blocks, _of_kind(Peak, samples))
    calibration = summarize(machine, rates, _of_kind(Case, samples))
    device = build_device(request.name, calibration, request.money)
    if not request.is_proved:
        return CalibrationResult(device=device, calibration=calibration)
    proof = compare(device, decoders.get(SHAPE), _of_kind(Point, samples))
    errors = {"median_error": proof.median_error, "p90_error": proof.p90_error}
    return CalibrationResult(device=device, calibration=calibration, proof=proof, **errors)


def _step(decoders: Decoders, case: Case) -> Call:
    return decoders.get(case.shape).step(case.tokens, case.context)


def _of_kind(kind: type[Kind], samples: Mapping[Key, Sample]) -> dict[Kind, Sample]:
    return {key: sample for key, sample in samples.items() if isinstance(key, kind)}


def _row(case: Case, sample: Sample, seconds: float) -> Row:
    return Row(case.family, case.what, case.work(), seconds, sample.spread, len(sample.timings))


def summarize(machine: Machine, rates: Sequence[MeasuredRate], samples: Mapping[Case, Sample]) -> Calibration:
    """Return the fits of all families, and the peaks their efficiencies are shares of.

    Attention and experts come first; what attention takes is subtracted from the decoders' steps, and matrices are
    fitted to the rest. A peak is the best rate of any kernel measured, or fitted where that is higher.
    """
    alone = [_row(case, sample, sample.seconds) for case, sample in samples.items() if case.block is not Block.STEP]
    attention, experts = (fit_family(family, alone) for family in (KernelFamily.ATTENTION, KernelFamily.MOE))
    steps = [
        _row(case, sample, without(case.attention(), attention.kernel, sample.seconds))
        for case, sample in samples.items()
        if case.block is Block.STEP
    ]
    fits = [fit_family(KernelFamily.GEMM, steps), attention, experts]
    streaming = [rate.per_s for rate in rates if rate.name != Peak.GEMM]
    computing = [rate.per_s for rate in rates if rate.name == Peak.GEMM]
    return Calibration(
        machine=machine,
        rates=tuple(rates),
        bandwidth_bytes_per_s=max(streaming + [fit.kernel.bytes_per_s for fit in fits]),
        peak_flop_per_s=max(computing + [fit.kernel.flop_per_s for fit in fits]),
        families=tuple(_result(fit) for fit in fits),
        rows=tuple(_measured(row) for row in (*steps, *alone)),
    )


def _measured(row: Row) -> MeasuredRow:
    work = row.work
    return MeasuredRow(
        family=row.family,
        what=row.what,
        launches=work.launches,
        moved_bytes=work.moved_bytes,
        flops=work.flops,
        seconds=row.seconds,
        spread=row.spread,
    )


def _result(fit: FamilyFit) -> FamilyResult:
    return FamilyResult(
        family=fit.family,
        floor_s=fit.kernel.floor_s,
        bytes_per_s=fit.kernel.bytes_per_s,
        flop_per_s=fit.kernel.flop_per_s,
        sharpness=fit.kernel.sharpness,
        num_fitted=fit.num_fitted,
        num_held_out=fit.held_out.num_rows,
        median_error=fit.held_out.median,
        p90_error=fit.held_out.p90,
        spread=fit.spread,
    )
