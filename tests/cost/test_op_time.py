import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.kernel import KernelModel
from placer.cost.op_time import Work, kernel_time_s

amounts = st.floats(0, 1e15)
rates = st.floats(1e9, 1e17)
shares = st.floats(0.01, 1)
LAW = settings(derandomize=True, deadline=None)


def kernel(floor="2 us", mbu=0.5, mfu=0.25):
    return KernelModel(family="gemm", floor=floor, mbu=mbu, mfu=mfu)


def time_s(read_bytes, flops, *, launches=1, bandwidth=1e12, peak=1e15, **model):
    return float(
        kernel_time_s(
            kernel(**model),
            Work(read_bytes, flops, launches),
            bandwidth_bytes_per_s=bandwidth,
            peak_flops_per_s=peak,
        )
    )


@pytest.mark.parametrize(
    ("read_bytes", "flops", "seconds"),
    # A1: floor 2 us; 1 GB / (0.5 x 1 TB/s) = 2 ms; 1 TFLOP / (0.25 x 1 PFLOP/s) = 4 ms.
    [(0, 0, 2e-6), (1e9, 0, 2.002e-3), (0, 1e12, 4.002e-3), (1e9, 1e12, 4.002e-3), (1e9, 4e11, 2.002e-3)],
)
def test_slower_of_streaming_and_computing_decides(read_bytes, flops, seconds):
    assert time_s(read_bytes, flops) == pytest.approx(seconds, rel=1e-12)


def test_every_dependent_launch_pays_the_floor():
    assert time_s(1e9, 0, launches=3) - time_s(1e9, 0, launches=1) == pytest.approx(4e-6, rel=1e-9)


@pytest.mark.parametrize(
    ("peak", "bandwidth", "batch"),
    # A1, A35: a BF16 GEMM turns compute bound at F/W tokens: A100 312/2.039 = 153, H100 989/3.35 = 295.
    [(312e12, 2.039e12, 153.0), (989e12, 3.35e12, 295.2)],
)
def test_ridge_of_a_gemm_is_peak_over_bandwidth(peak, bandwidth, batch):
    weights = 8192 * 28672

    def at(tokens):
        speeds = {"bandwidth": bandwidth, "peak": peak, "mbu": 1.0, "mfu": 1.0, "floor": "0 us"}
        return time_s(2 * weights, 2 * tokens * weights, **speeds)

    assert at(0.99 * batch) == at(1)
    assert at(1.01 * batch) > at(1)


@LAW
@given(read=amounts, more=amounts, flops=amounts, bandwidth=rates, peak=rates, mbu=shares, mfu=shares)
def test_time_never_falls_with_bytes_or_flops(read, more, flops, bandwidth, peak, mbu, mfu):
    speeds = {"bandwidth": bandwidth, "peak": peak, "mbu": mbu, "mfu": mfu}
    least = time_s(read, flops, **speeds)
    assert time_s(read + more, flops, **speeds) >= least
    assert time_s(read, flops + more, **speeds) >= least


@LAW
@given(read=amounts, flops=amounts, bandwidth=rates, peak=rates, factor=st.floats(1, 100))
def test_time_never_rises_with_bandwidth_or_peak(read, flops, bandwidth, peak, factor):
    most = time_s(read, flops, bandwidth=bandwidth, peak=peak)
    assert time_s(read, flops, bandwidth=factor * bandwidth, peak=peak) <= most
    assert time_s(read, flops, bandwidth=bandwidth, peak=factor * peak) <= most


@LAW
@given(read=amounts, flops=amounts, mbu=shares, mfu=shares)
def test_time_is_at_least_the_ideal_roofline(read, flops, mbu, mfu):
    ideal = max(read / 1e12, flops / 1e15)
    assert time_s(read, flops, mbu=mbu, mfu=mfu) >= ideal * (1 - 1e-12)


def test_arrays_are_scalars_side_by_side():
    read, flops = np.array([0.0, 1e9, 1e9]), np.array([1e12, 0.0, 1e12])
    together = kernel_time_s(kernel(), Work(read, flops, 2), bandwidth_bytes_per_s=1e12, peak_flops_per_s=1e15)
    each = [time_s(a, b, launches=2) for a, b in zip(read, flops, strict=True)]
    assert together.tolist() == each
