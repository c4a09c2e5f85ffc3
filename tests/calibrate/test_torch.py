"""The real thing, small; needs torch and transformers."""

import pytest

from placer.calibrate.backend import load_backend
from placer.calibrate.blocks import Blocks
from placer.calibrate.decoder import Decoders
from placer.calibrate.measure import measure
from placer.calibrate.peaks import Peak, peak_rates, peak_tasks
from placer.calibrate.shapes import Block, Case, Shape

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
SHAPE = Shape(128, 4, 2, 32, 256, vocab_size=512, num_layers=2)


@pytest.fixture(scope="module")
def backend():
    before = torch.get_num_threads()
    yield load_backend("cpu", 1)
    torch.set_num_threads(before)
    torch.set_grad_enabled(True)


@pytest.fixture(scope="module")
def blocks(backend):
    return Blocks(backend)


def test_peaks_are_rates_a_computer_can_have(backend, blocks):
    rates = peak_rates(blocks, measure(backend, {Peak.GEMV: peak_tasks(backend, blocks)[Peak.GEMV]}, 1))
    assert 1e8 < rates[0].per_s < 1e14


@pytest.mark.parametrize("groups", [1, 2])
def test_attention_gives_every_head_a_mixture(blocks, groups):
    mixed = blocks.build(Case(Block.CORE, Shape(128, 2 * groups, 2, 32, 256), 3, 40))()
    assert mixed.shape == (3, 1, 64 * groups)
    assert torch.isfinite(mixed.float()).all()


def test_experts_give_every_token_a_sum(blocks):
    mixed = blocks.build(Case(Block.EXPERTS, Shape(128, 4, 2, 32, 64, num_experts=4, top_k=2), 5))()
    assert mixed.shape == (5, 128)
    assert (mixed.float().abs().sum(dim=1) > 0).all()


def test_the_decoder_has_the_weights_its_lowering_counts(backend):
    decoder = Decoders(backend).get(SHAPE)
    real = sum(parameter.numel() for parameter in decoder._model.parameters())
    assert sum(sum(node.op.parameters.values()) for node in decoder.graph.nodes()) == real
    assert decoder.graph.spec.num_layers == SHAPE.num_layers


def test_a_step_can_be_repeated_at_the_same_context(backend):
    step = Decoders(backend).get(SHAPE).step(3, 16)
    assert step() == step()
    assert len(step()) == 3
