"""A calibration as a machine might give it."""

from placer.calibrate.result import Calibration, FamilyResult, Machine, MeasuredRate

MACHINE = Machine(
    title="some CPU, 4 threads",
    kind="cpu",
    threads=4,
    memory_bytes=34_359_738_368,
    reserve=0.125,
    software="PyTorch 2.9 eager",
    date="2026-01-02",
)


def family(name, floor_s=30e-6, bytes_per_s=20e9, flop_per_s=500e9):
    return FamilyResult(
        family=name,
        floor_s=floor_s,
        bytes_per_s=bytes_per_s,
        flop_per_s=flop_per_s,
        num_fitted=20,
        num_held_out=10,
        median_error=0.08,
        p90_error=0.21,
        spread=0.03,
    )


def calibration(machine=MACHINE, **changes):
    return Calibration(
        machine=machine,
        rates=(
            MeasuredRate(name="copy", per_s=40e9, spread=0.02),
            MeasuredRate(name="gemm", per_s=800e9, spread=0.01),
        ),
        bandwidth_bytes_per_s=40e9,
        peak_flop_per_s=800e9,
        families=tuple(family(name, **changes) for name in ("gemm", "attention", "moe")),
    )
