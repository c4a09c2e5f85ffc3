"""The terms a kernel model has beside floor and roofline: each alone, then the laws all of them keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.catalog.kernel import KernelModel
from placer.cost.op_time import Work, kernel_time_s

SPEEDS = {"bandwidth_bytes_per_s": 1e12, "peak_flops_per_s": 1e15}
amounts = st.floats(0, 1e12)


def kernel(**terms):
    plain = {"family": "moe", "floor": "0 us", "mbu": 1.0, "mfu": 1.0}
    return KernelModel(**(plain | terms))


def seconds(model, read_bytes=0.0, flops=0.0, **work):
    return float(kernel_time_s(model, Work(read_bytes, flops, **work), **SPEEDS))


@pytest.mark.parametrize(
    ("terms", "work", "expected"),
    [
        # 4,096 elements in series, 0.5 ns each.
        ({"depth": "0.5 ns"}, {"depth": 4096.0}, 2.048e-6),
        # Half of the ramp at its own size: 1 MB streams in 1 us, and half of 10 us on top.
        ({"ramp": "10 us", "ramp_bytes": "1 MB"}, {"read_bytes": 1e6}, 6e-6),
        # 3 us and 4 us as legs of a right angle.
        ({"sharpness": 2.0}, {"read_bytes": 3e6, "flops": 4e9}, 5e-6),
        # One after the other.
        ({"sharpness": 1.0}, {"read_bytes": 3e6, "flops": 4e9}, 7e-6),
        # Activations of 1 MB passed twice at 1 TB/s.
        ({"handling": 2.0}, {"handled_bytes": 1e6}, 2e-6),
        # Two experts, each with 8 tokens of 1 GFLOP more: 16 us at 1 PFLOP/s.
        ({"tile": 8.0}, {"tile_flops": 2e9}, 16e-6),
        ({"per_expert": "300 ns"}, {"experts": 32}, 9.6e-6),
        # 1e9 scores with 200 FLOP of softmax each.
        ({"per_score": 200.0}, {"scores": 1e9}, 2e-4),
    ],
)
def test_each_term_alone(terms, work, expected):
    assert seconds(kernel(**terms), **work) == pytest.approx(expected, rel=1e-12)


REAL = {
    "floor": "10 us",
    "mbu": 0.9,
    "mfu": 0.7,
    "depth": "0.5 ns",
    "ramp": "15 us",
    "ramp_bytes": "50 MB",
    "handling": 3.0,
    "tile": 30.0,
    "per_expert": "100 ns",
    "per_score": 200.0,
}


@given(read=amounts, flops=amounts, more=st.floats(1, 1000), power=st.none() | st.floats(1, 20))
def test_time_never_falls_with_work_and_never_rises_per_work(read, flops, more, power):
    model = kernel(**REAL, sharpness=power)

    def at(factor):
        grown = {"handled_bytes": 1e5, "tile_flops": 1e6, "scores": 1e4}
        return seconds(model, read * factor, flops * factor, **{name: value * factor for name, value in grown.items()})

    assert at(more) >= at(1.0) * (1 - 1e-12)
    assert at(more) / more <= at(1.0) * (1 + 1e-12)


@given(read=st.floats(1e3, 1e12), flops=st.floats(1e3, 1e15), power=st.floats(1, 60))
def test_overlap_lies_between_the_slower_and_the_sum(read, flops, power):
    sharp, smooth, serial = (seconds(kernel(sharpness=p), read, flops) for p in (None, power, 1.0))
    assert sharp * (1 - 1e-12) <= smooth <= serial * (1 + 1e-12)


def test_arrays_and_numbers_agree():
    model = kernel(**REAL, sharpness=3.0)
    read, flops = np.array([0.0, 1e6, 1e9]), np.array([0.0, 1e9, 1e13])
    together = kernel_time_s(model, Work(read, flops), **SPEEDS)
    assert together.tolist() == [seconds(model, *pair) for pair in zip(read, flops, strict=True)]
