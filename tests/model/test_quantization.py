"""``quantization_config`` as checkpoints have it: formats by class of modules, bytes with scales, and refusals."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placer.errors import ModelConfigError
from placer.model.catalog import load_model
from placer.model.readers.registry import read_config
from tests.model.configs import CONFIGS

FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}


def group(*, ignore=(), targets=("Linear",), method="compressed-tensors", **weights):
    groups = {"group_0": {"targets": list(targets), "weights": weights}}
    return {"quant_method": method, "config_groups": groups, "ignore": list(ignore)}


INT4 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 32, "symmetric": True}
#: The list of Kimi K2.5 and of the INT4 Kimi K2 Thinking.
KIMI = ["lm_head", "re:.*self_attn.*", "re:.*shared_experts.*", r"re:.*mlp\.(gate|up|gate_up|down)_proj.*"]


def precision(family, quantization):
    return read_config(CONFIGS[family] | {"quantization_config": quantization}, name="m", where="config.json").precision


def formats(family, quantization):
    stored = precision(family, quantization)
    names = ("attention", "dense_ffn", "experts", "shared_experts", "ssm", "router", "embedding", "lm_head")
    return {name: str(getattr(stored, name)) for name in names if getattr(stored, name) != "bf16"}


@pytest.mark.parametrize(
    ("family", "quantization", "expected"),
    [
        (
            "deepseek_v3",
            FP8,
            dict.fromkeys(("attention", "dense_ffn", "experts", "shared_experts"), "fp8-block128"),
        ),
        (
            "minimax_m2",
            FP8 | {"modules_to_not_convert": ["gate", "e_score_correction_bias", "lm_head"]},
            {"attention": "fp8-block128", "experts": "fp8-block128"},
        ),
        (
            "qwen3_next",
            FP8 | {"modules_to_not_convert": [f"model.layers.{i}.linear_attn.in_proj_ba" for i in range(4)]},
            dict.fromkeys(("attention", "experts", "shared_experts", "ssm"), "fp8-block128"),
        ),
        (
            "qwen3_next",
            FP8 | {"modules_to_not_convert": ["model.layers.3.self_attn", "linear_attn"]},
            dict.fromkeys(("experts", "shared_experts"), "fp8-block128"),
        ),
        (
            "gpt_oss",
            {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"]},
            {"experts": "mxfp4"},
        ),
        ("kimi_k2", group(ignore=KIMI, **INT4), {"experts": "int4-g32"}),
        (
            "llama",
            group(ignore=["lm_head"], **(INT4 | {"group_size": 128, "symmetric": False})),
            {"attention": "int4-g128-zero", "dense_ffn": "int4-g128-zero"},
        ),
        (
            "llama",
            group(ignore=["lm_head"], num_bits=8, type="float", strategy="channel"),
            {"attention": "fp8-channel", "dense_ffn": "fp8-channel"},
        ),
        (
            "llama",
            group(ignore=["lm_head"], num_bits=8, type="int", strategy="channel"),
            {"attention": "int8-channel", "dense_ffn": "int8-channel"},
        ),
        (
            "deepseek_v3",
            group(
                method="modelopt",
                ignore=["lm_head", "model.layers.*.self_attn*"],
                num_bits=4,
                type="float",
                group_size=16,
            ),
            dict.fromkeys(("dense_ffn", "experts", "shared_experts"), "nvfp4"),
        ),
        (
            "qwen3_moe",
            {"quant_method": "modelopt", "quant_algo": "NVFP4", "exclude_modules": ["lm_head", "*.self_attn.*"]},
            dict.fromkeys(("dense_ffn", "experts"), "nvfp4"),
        ),
        (
            "llama",
            {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False, "sym": True},
            {"attention": "int4-g128-zero", "dense_ffn": "int4-g128-zero"},
        ),
        (
            "llama",
            {"quant_method": "awq", "bits": 4, "group_size": 64, "zero_point": True, "version": "gemm"},
            {"attention": "int4-g64-zero", "dense_ffn": "int4-g64-zero"},
        ),
        (
            "nemotron_h",
            {
                "quant_method": "modelopt",
                "quant_algo": "FP8",
                "exclude_modules": ["backbone.layers.2.mixer*", "lm_head"],
            },
            {"dense_ffn": "fp8", "ssm": "fp8"},
        ),
        (
            "mixtral",
            group(
                targets=["re:.*block_sparse_moe.experts.*"], num_bits=4, type="float", strategy="group", group_size=32
            ),
            {"experts": "mxfp4"},
        ),
    ],
)
def test_formats_by_class(family, quantization, expected):
    assert formats(family, quantization) == expected


def test_experts_of_deepseek_v4_are_fp4_beside_fp8():
    config = CONFIGS["deepseek_v4"] | {"quantization_config": FP8, "expert_dtype": "fp4"}
    stored = read_config(config, name="m", where="config.json").precision
    assert (stored.experts, stored.shared_experts, stored.attention) == ("mxfp4", "fp8-block128", "fp8-block128")


def test_what_modelopt_writes_beside_a_config_counts(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS["qwen3_moe"]))
    algorithm = {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16, "exclude_modules": ["lm_head"]}
    (tmp_path / "hf_quant_config.json").write_text(json.dumps({"producer": {}, "quantization": algorithm}))
    stored = load_model(str(tmp_path)).precision
    assert (stored.experts, stored.attention, stored.lm_head, stored.kv) == ("nvfp4", "nvfp4", "bf16", "fp8")
    (tmp_path / "hf_quant_config.json").write_text("{}")
    with pytest.raises(ModelConfigError, match=r"hf_quant_config.json: quantization: expected an object"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("extra", "kv"),
    [
        ({}, "bf16"),
        ({"kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": False}}, "fp8"),
        ({"kv_cache_quant_algo": "FP8"}, "fp8"),
    ],
)
def test_the_kv_cache_has_a_format_of_its_own(extra, kv):
    assert precision("llama", FP8 | extra).kv == kv


@pytest.mark.parametrize(
    ("family", "quantization", "message"),
    [
        ("llama", {"quant_method": "bitsandbytes"}, "quant_method: expected one of"),
        ("llama", FP8 | {"weight_block_size": [64, 64]}, r"weight_block_size: expected \[128, 128\]"),
        ("llama", FP8 | {"modules_to_not_convert": ["model.layers.1.mlp"]}, "layers.1.mlp.*dense ffn in part"),
        ("llama", FP8 | {"modules_to_not_convert": ["o_proj"]}, "o_proj.*attention in part"),
        ("deepseek_v3", group(ignore=["re:.*kv_b_proj"], **INT4), "kv_b_proj.*attention in part"),
        ("llama", group(**(INT4 | {"group_size": 48})), "group 48"),
        ("llama", group(**(INT4 | {"num_bits": 3})), "3 bits"),
        ("llama", group(ignore=["re:["], **INT4), "no regular expression"),
        ("llama", {"quant_method": "gptq", "bits": 3, "group_size": 128}, "bits: 3"),
        ("llama", {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": True}, "desc_act"),
        ("llama", {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"}, "quant_algo"),
        ("llama", FP8 | {"kv_cache_quant_algo": "NVFP4"}, "kv_cache_quant_algo"),
        ("llama", {"quant_method": "compressed-tensors", "config_groups": {}}, "config_groups"),
        ("llama", [], "quantization_config: expected an object"),
    ],
)
def test_what_is_not_understood_is_named(family, quantization, message):
    with pytest.raises(ModelConfigError) as caught:
        precision(family, quantization)
    assert re.search(message, str(caught.value)), caught.value


ATOMS = st.one_of(st.none(), st.booleans(), st.integers(-1, 130), st.sampled_from(["fp8", "int", "float", "re:(", "*"]))
FIELDS = st.sampled_from(
    [
        "quant_method",
        "config_groups",
        "weights",
        "targets",
        "ignore",
        "num_bits",
        "group_size",
        "type",
        "strategy",
        "bits",
    ]
)
TREES = st.recursive(
    ATOMS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(FIELDS, inner, max_size=4))
)


@settings(derandomize=True, deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["fp8", "mxfp4", "compressed-tensors", "modelopt", "gptq", "awq"]),
    st.dictionaries(FIELDS, TREES, max_size=5),
)
def test_damage_is_read_or_refused(method, damage):
    try:
        precision("llama", damage | {"quant_method": method})
    except ModelConfigError as error:
        assert str(error)  # noqa: PT017 both outcomes are fine
