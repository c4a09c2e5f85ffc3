"""The predicted step is the planner's own, by hand for one device."""

import pytest

from placer.calibrate.backend import Timing
from placer.calibrate.calibrate import summarize
from placer.calibrate.device_file import Money, build_device
from placer.calibrate.measure import Sample
from placer.calibrate.predict import step_s
from placer.calibrate.proof import Point, compare
from placer.calibrate.result import MeasuredRate
from placer.calibrate.shapes import Block, Case, Shape, all_cases
from tests.calibrate.results import MACHINE, calibration

SHAPE = Shape(256, 4, 2, 64, 512, vocab_size=1000, num_layers=3)


def _time(work):
    return work.launches * 30e-6 + max(work.moved_bytes / 20e9, work.flops / 500e9)


@pytest.mark.parametrize(("batch", "context"), [(1, 64), (4, 1000), (512, 16)])
def test_a_step_is_the_sum_of_its_parts(batch, context):
    device = build_device("mine", calibration(), Money())
    matrices, attention = Case(Block.STEP, SHAPE, batch, context).work(), Case(Block.CORE, SHAPE, batch, context).work()
    expected = _time(matrices) + 3 * _time(attention)
    assert step_s(device, SHAPE.lowered(), batch, context) == pytest.approx(expected, rel=0.05)


def test_experts_are_charged_too():
    device = build_device("mine", calibration(), Money())
    dense, moe = Shape(256, 4, 2, 64, 512), Shape(256, 4, 2, 64, 512, num_experts=8, top_k=2)
    assert step_s(device, moe.lowered(), 8, 64) > step_s(device, dense.lowered(), 8, 64)


class _Decoder:
    graph = SHAPE.lowered()
    software = "none"


def test_errors_are_predicted_over_measured():
    device = build_device("mine", calibration(), Money())
    predicted = step_s(device, SHAPE.lowered(), 2, 64)
    half, twice = Sample((Timing(predicted / 2, 0),)), Sample((Timing(predicted * 2, 0),))
    proof = compare(device, _Decoder, {Point(2, 64): half})
    assert proof.points[0].error == pytest.approx(1.0)
    assert compare(device, _Decoder, {Point(2, 64): twice}).median_error == pytest.approx(0.5)


def test_matrices_are_fitted_to_what_attention_leaves():
    """A machine made of known kernels comes back, rows, peaks and all."""
    attention = {"launches": 20e-6, "bytes": 10e9, "flops": 300e9}

    def attended(work):
        slower = max(work.moved_bytes / attention["bytes"], work.flops / attention["flops"])
        return work.launches * attention["launches"] + slower

    samples = {}
    for case in all_cases("cpu"):
        seconds = _time(case.work())
        if case.block is Block.CORE:
            seconds = attended(case.work())
        if case.block is Block.STEP:
            seconds += attended(case.attention())
        samples[case] = Sample((Timing(seconds, 0),))
    rates = (MeasuredRate(name="copy", per_s=15e9, spread=0.0), MeasuredRate(name="gemm", per_s=900e9, spread=0.0))
    found = summarize(MACHINE, rates, samples)
    gemm, attended_to, _ = found.families
    assert gemm.floor_s == pytest.approx(30e-6, rel=0.03)
    assert gemm.bytes_per_s == pytest.approx(20e9, rel=0.03)
    assert attended_to.bytes_per_s == pytest.approx(10e9, rel=0.03)
    assert max(family.p90_error for family in found.families) < 0.05
    assert found.bandwidth_bytes_per_s == max(family.bytes_per_s for family in found.families)
    assert found.peak_flop_per_s == pytest.approx(900e9)
    assert len(found.rows) == len(samples)
