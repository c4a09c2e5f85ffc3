"""The predicted step is the planner's own, by hand for one device."""

import pytest

from placer.calibrate.backend import Timing
from placer.calibrate.device_file import Money, build_device
from placer.calibrate.measure import Sample
from placer.calibrate.predict import step_s
from placer.calibrate.proof import Point, compare
from placer.calibrate.shapes import Block, Case, Shape
from tests.calibrate.results import calibration

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
