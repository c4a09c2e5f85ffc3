"""Reading config.json: shapes to the last parameter, and what is refused by field."""

from __future__ import annotations

import json

import pytest

from placer.errors import ModelConfigError
from placer.graph.lower import lower
from placer.graph.totals import totals
from placer.model.catalog import read_model_file

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "vocab_size": 100,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
}
MOE = LLAMA | {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}
DEEPSEEK = {
    **{"model_type": "deepseek_v3", "hidden_size": 64, "vocab_size": 100, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "q_lora_rank": None, "kv_lora_rank": 16, "qk_nope_head_dim": 8},
    **{"qk_rope_head_dim": 4, "v_head_dim": 8, "moe_intermediate_size": 32, "n_routed_experts": 8},
    **{"num_experts_per_tok": 2, "first_k_dense_replace": 1, "intermediate_size": 96, "n_shared_experts": 0},
}


def _read(tmp_path, config):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return read_model_file(path)


def test_a_small_llama_is_counted_by_hand(tmp_path):
    sums = totals(lower(_read(tmp_path, LLAMA)), 10)
    layer = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 96 + 2 * 64
    assert sums.parameters == 2 * layer + 2 * 100 * 64 + 64
    assert sums.weight_bytes == 2 * sums.parameters
    assert sums.kv_bytes_per_token == 2 * 2 * 2 * 16 * 2


def test_a_tied_head_is_counted_and_stored_once(tmp_path):
    apart = totals(lower(_read(tmp_path, LLAMA)), 10)
    tied = totals(lower(_read(tmp_path, LLAMA | {"tie_word_embeddings": True})), 10)
    assert apart.parameters - tied.parameters == 100 * 64
    assert apart.weight_bytes - tied.weight_bytes == 100 * 64 * 2


def test_a_small_mixture_is_counted_by_hand(tmp_path):
    sums = totals(lower(_read(tmp_path, MOE)), 10)
    assert sums.parameters_by_kind["routed_experts"] == 2 * 8 * 3 * 64 * 96
    assert sums.parameters - sums.active_parameters == 2 * 6 * 3 * 64 * 96


@pytest.mark.parametrize("absent", [None, 0])
def test_no_shared_experts_may_be_written_as_null_or_zero(tmp_path, absent):
    sums = totals(lower(_read(tmp_path, DEEPSEEK | {"n_shared_experts": absent})), 10)
    assert sums.parameters_by_kind["shared_experts"] == 0
    one = totals(lower(_read(tmp_path, DEEPSEEK | {"n_shared_experts": 1})), 10)
    assert one.parameters_by_kind["shared_experts"] == 3 * 64 * 32


@pytest.mark.parametrize(
    ("base", "change", "message"),
    [
        (
            LLAMA,
            {"model_type": "lama"},
            "config.json: model_type: 'lama' is not known.*did you mean \"llama\"",
        ),
        (LLAMA, {"model_type": None}, "config.json: model_type: None is not known"),
        (LLAMA, {"hidden_size": None}, "config.json: hidden_size: missing"),
        (LLAMA, {"hidden_size": "64"}, "config.json: hidden_size: expected a whole number"),
        (LLAMA, {"hidden_size": True}, "config.json: hidden_size: expected a whole number"),
        (LLAMA, {"hidden_size": -1}, "config.json: hidden_size: expected a whole number"),
        (LLAMA, {"hidden_size": 10**300}, "config.json: hidden_size: expected a whole number"),
        (LLAMA, {"num_hidden_layers": 2001}, "config.json: num_hidden_layers: expected at most 2000"),
        (LLAMA, {"num_key_value_heads": 3}, "config.json: num_heads 4 is no multiple of num_kv_heads 3"),
        (LLAMA, {"hidden_act": "gelu"}, "config.json: hidden_act: 'gelu' is not understood here"),
        (LLAMA, {"torch_dtype": "float32"}, "config.json: torch_dtype: 'float32' is not understood"),
        (LLAMA, {"torch_dtype": ["bfloat16"]}, "config.json: torch_dtype: .* is not understood"),
        (LLAMA, {"tie_word_embeddings": "no"}, "config.json: tie_word_embeddings: expected true or false"),
        (LLAMA, {"quantization_config": []}, "config.json: quantization_config: expected an object"),
        (LLAMA, {"quantization_config": {"quant_method": "quip"}}, "quant_method: expected .* got 'quip'"),
        (MOE, {"num_experts_per_tok": 9}, "config.json: top_k 9 exceeds num_experts 8"),
        (MOE, {"num_local_experts": 200_000}, "config.json: layers: 400010 ops, experts included; at most"),
        (DEEPSEEK, {"first_k_dense_replace": 3}, "first_k_dense_replace: expected 0 to 2, got 3"),
        (DEEPSEEK, {"n_shared_experts": -1}, "n_shared_experts: expected a whole number"),
        (DEEPSEEK, {"attention_bias": True}, "attention_bias: True is not understood here, expected False"),
    ],
)
def test_refuses_by_field(tmp_path, base, change, message):
    with pytest.raises(ModelConfigError, match=message):
        _read(tmp_path, base | change)


@pytest.mark.shared
def test_every_config_is_read_exactly_or_refused_with_its_name(shared):
    models = json.loads((shared / "data" / "param_truth.json").read_text())["models"]
    read = set()
    for name, truth in models.items():
        path = shared / "data" / truth["config"]
        try:
            spec = read_model_file(path)
        except ModelConfigError as error:
            assert error.where.startswith(str(path))  # noqa: PT017 both outcomes are checked
            continue
        assert totals(lower(spec), 1).parameters == truth["total_text_only"], name
        read.add(name)
    assert read == set(models)
