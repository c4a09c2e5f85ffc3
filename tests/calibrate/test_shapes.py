"""What is measured has the bytes and FLOPs of its lowering, and never the shape of the proof."""

import itertools

import pytest

from placer.calibrate.proof import BATCHES, CONTEXTS, SHAPE
from placer.calibrate.shapes import Block, Case, Shape, all_cases
from placer.catalog.kernel import KernelFamily

SMALL = Shape(256, 4, 2, 64, 512, vocab_size=1000, num_layers=3)
MOE = Shape(256, 4, 2, 64, 512, num_experts=8, top_k=2)


def test_a_step_reads_all_matrices_but_the_embedding():
    layer = 256 * (256 + 2 * 128) + 256 * 256 + 3 * 256 * 512
    elements = 3 * (layer + 2 * 256) + 1000 * 256 + 256
    work = Case(Block.STEP, SMALL, 4, 64).work()
    assert work.moved_bytes == 2 * (elements + 4 * 256)
    assert work.flops == 4 * 2 * (3 * layer + 1000 * 256)
    assert work.launches == 3 * 4 + 2


def test_attention_reads_the_cache_and_writes_one_token():
    work = Case(Block.CORE, SMALL, 5, 100).work()
    assert work.moved_bytes == 5 * 101 * 2 * 128 * 2
    assert work.flops == 5 * 100 * 4 * 256
    assert Case(Block.STEP, SMALL, 5, 100).attention() == work.times(3)


def test_experts_count_those_the_routing_touches():
    case = Case(Block.EXPERTS, MOE, 3)
    routing = case.routing()
    assert all(len(set(chosen)) == 2 for chosen in routing)
    touched = len(set(itertools.chain(*routing)))
    assert case.work().moved_bytes == touched * 3 * 256 * 512 * 2
    assert case.work().flops == 3 * 2 * 2 * 3 * 256 * 512


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_family_has_rows_and_none_is_the_proof(device):
    cases = list(all_cases(device))
    assert {case.family for case in cases} == {KernelFamily.GEMM, KernelFamily.ATTENTION, KernelFamily.MOE}
    assert len(set(cases)) == len(cases) == len({case.what for case in cases})
    assert SHAPE.hidden_size not in {case.shape.hidden_size for case in cases if case.block is Block.STEP}
    assert SHAPE.intermediate_size not in {case.shape.intermediate_size for case in cases}
    assert len(list(all_cases(device, is_quick=True))) < len(cases)


def test_the_proof_has_at_least_twelve_points():
    assert len(BATCHES) * len(CONTEXTS) >= 12
