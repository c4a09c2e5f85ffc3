"""Reductions and activations of a shard: what tensor parallelism cuts and what it does not."""

import pytest

from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.verify.recompute.weights import handled, reductions


def ops_of(name):
    return lower(load_model(name)).layer_ops[0]


@pytest.mark.parametrize(
    ("op", "whole", "over_8"),
    [
        # Llama-3.1-70B: hidden 8,192, heads 8,192 wide, FFN 28,672. Queries, keys and values are one launch.
        ("projection", 8192, 8192),
        ("output", 8192, 1024),
        ("ffn", 8192 + 28672, 8192 + 3584),
    ],
)
def test_only_row_parallel_reductions_get_shorter(op, whole, over_8):
    part = getattr(ops_of("llama-3.1-70b"), op)
    assert part.depth(1) == whole
    assert part.depth(8) == over_8


def test_activations_of_a_dense_ffn():
    # In 8,192, out 2 x 28,672 (gate and up), in 28,672, out 8,192; over 8 ranks only the inner ones are cut.
    ffn = ops_of("llama-3.1-70b").ffn
    assert ffn.handled(1) == 8192 + 2 * 28672 + 28672 + 8192
    assert ffn.handled(8) == 8192 + 2 * 3584 + 3584 + 8192


@pytest.mark.parametrize("name", ["llama-3.1-70b", "deepseek-v3", "gpt-oss-120b", "ai21labs/AI21-Jamba-1.5-Mini"])
@pytest.mark.parametrize("cuts", [1, 2, 8, 16])
def test_search_and_verifier_count_alike(name, cuts):
    model = lower(load_model(name))
    ops = [op for layer in model.layer_ops for op in (*layer.attention, layer.dense) if op is not None]
    ops += [layer.moe.expert for layer in model.layer_ops if layer.moe]
    for op in dict.fromkeys(ops):
        assert reductions(op, cuts) == pytest.approx(op.depth(cuts), rel=1e-12)
        assert handled(op, cuts) == pytest.approx(op.handled(cuts), rel=1e-12)


def test_square_experts_still_reduce_twice():
    # gpt-oss: hidden and intermediate size are both 2,880; up and down are two launches all the same.
    expert = ops_of("gpt-oss-120b").moe.expert
    assert expert.depth(1) == 2 * 2880
