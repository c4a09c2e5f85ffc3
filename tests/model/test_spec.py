"""The shape of a model, and what contradicts itself."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from placer.errors import InputError
from placer.model.catalog import model_paths
from placer.model.precision import ElementFormat, Precision, WeightFormat, matrix_bytes
from placer.model.spec import LayerKind, ModelSpec, runs_of
from placer.validate import validated

GPT_OSS = yaml.safe_load(model_paths()["openai/gpt-oss-120b"].read_text())


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), min_size=1, max_size=30))
def test_runs_spell_out_to_the_same_layers(pairs):
    kinds = [LayerKind(mixer=mixer, ffn=ffn) for mixer, ffn in pairs]
    spelled = [kind for run in runs_of(kinds) for _ in range(run.repeat) for kind in run.pattern]
    assert spelled == kinds


def test_alternating_layers_are_one_run():
    first, second = LayerKind(mixer="window", ffn="moe"), LayerKind(mixer="full", ffn="moe")
    (run,) = runs_of([first, second] * 18)
    assert (run.repeat, run.pattern) == (18, (first, second))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": True}, "hidden_size: Input should be a valid integer"),
        ({"hidden_size": "64"}, "hidden_size: Input should be a valid integer"),
        ({"hiden_size": 64}, 'hiden_size: unknown field; did you mean "hidden_size"'),
        ({"layers": []}, "layers: Tuple should have at least 1 item"),
        ({"layers": [{"repeat": 3000, "pattern": []}]}, r"layers\[0\].repeat: Input should be less"),
        (
            {"layers": [{"repeat": 1, "pattern": [{"mixer": "ful", "ffn": "moe"}]}]},
            'layers: unknown mixer "ful"; did you mean "full"',
        ),
        ({"mixers": {"full": {"kind": "gqa", "num_heads": 8}}}, r"mixers.full.num_kv_heads: missing"),
        ({"mixers": {"full": {"kind": "rwkv"}}}, r"mixers.full: Input tag 'rwkv'"),
        ({"precision": {"experts": "fp3"}}, "precision.experts: Input should be 'bf16'"),
        ({"name": "a\nb"}, "name: String should match"),
        ({"name": ""}, "name: String should have at least 1"),
    ],
)
def test_refuses_by_field(change, message):
    with pytest.raises(InputError, match=f"mine.yaml: .*{message}"):
        validated(ModelSpec, GPT_OSS | change, "mine.yaml")


@pytest.mark.parametrize(
    ("weight_format", "expected"),
    [
        (WeightFormat.BF16, 129 * 256 * 2),
        (WeightFormat.FP8, 129 * 256 + 4),
        (WeightFormat.FP8_BLOCK, 129 * 256 + 2 * 2 * 4),
        (WeightFormat.MXFP4, 129 * 128 + 129 * 8),
        (WeightFormat.NVFP4, 129 * 128 + 129 * 16 + 8),
        (WeightFormat.FP8_CHANNEL, 129 * 256 + 129 * 2),
        (WeightFormat.INT8_CHANNEL, 129 * 256 + 129 * 2),
        (WeightFormat.INT4_G128, 129 * 128 + 129 * 2 * 2),
        (WeightFormat.INT4_G32_ZERO, 129 * 128 + 129 * 8 * 2 + 129 * 8 // 2),
    ],
)
def test_a_matrix_weighs_its_elements_and_scales(weight_format, expected):
    assert matrix_bytes(129, 256, weight_format) == expected


def test_quantising_leaves_router_embedding_and_head_alone():
    quantised = Precision().with_weights(WeightFormat.FP8_BLOCK)
    assert {quantised.router, quantised.embedding, quantised.lm_head} == {WeightFormat.BF16}
    assert {quantised.attention, quantised.experts} == {WeightFormat.FP8_BLOCK}
    assert quantised.dispatch is ElementFormat.FP8
    assert quantised.kv is ElementFormat.BF16
