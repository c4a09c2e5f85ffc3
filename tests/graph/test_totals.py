"""Counts of the catalog's models against sources other than placer."""

from __future__ import annotations

import json

import pytest

from placer.graph.lower import lower
from placer.graph.totals import op_classes, read_bytes, totals
from placer.model.catalog import load_model, model_paths

#: Catalog name and name in the survey of parameter counts.
SURVEYED = {
    "MiniMaxAI/MiniMax-M2.5": "MiniMaxAI__MiniMax-M2.5",
    "Qwen/Qwen3-0.6B": "Qwen__Qwen3-0.6B",
    "Qwen/Qwen3-1.7B": "Qwen__Qwen3-1.7B",
    "Qwen/Qwen3-235B-A22B": "Qwen__Qwen3-235B-A22B",
    "Qwen/Qwen3-32B": "Qwen__Qwen3-32B",
    "Qwen/Qwen3-8B": "Qwen__Qwen3-8B",
    "Qwen/Qwen3-Next-80B-A3B-Instruct": "Qwen__Qwen3-Next-80B-A3B-Instruct",
    "Qwen/Qwen3.5-397B-A17B": "Qwen__Qwen3.5-397B-A17B",
    "ai21labs/AI21-Jamba-1.5-Mini": "reconstructed/ai21labs__AI21-Jamba-1.5-Mini",
    "allenai/OLMoE-1B-7B-0924": "allenai__OLMoE-1B-7B-0924",
    "deepseek-ai/DeepSeek-R1": "deepseek-ai__DeepSeek-R1",
    "deepseek-ai/DeepSeek-V3": "deepseek-ai__DeepSeek-V3",
    "deepseek-ai/DeepSeek-V3.2": "deepseek-ai__DeepSeek-V3.2",
    "deepseek-ai/DeepSeek-V4-Flash": "deepseek-ai__DeepSeek-V4-Flash",
    "deepseek-ai/DeepSeek-V4-Pro": "deepseek-ai__DeepSeek-V4-Pro",
    "google/gemma-2-27b-it": "reconstructed/google__gemma-2-27b-it",
    "google/gemma-3-27b-it": "reconstructed/google__gemma-3-27b-it",
    "google/gemma-4-26B-A4B": "google__gemma-4-26B-A4B",
    "meta-llama/Llama-3.1-70B": "meta-llama__Meta-Llama-3.1-70B",
    "meta-llama/Llama-3.1-8B": "meta-llama__Meta-Llama-3.1-8B",
    "meta-llama/Llama-3.3-70B-Instruct": "reconstructed/meta-llama__Llama-3.3-70B-Instruct",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": "meta-llama__Llama-4-Scout-17B-16E-Instruct",
    "microsoft/Phi-3.5-MoE-instruct": "reconstructed/microsoft__Phi-3.5-MoE-instruct",
    "mistralai/Mixtral-8x7B-v0.1": "mistralai__Mixtral-8x7B-v0.1",
    "moonshotai/Kimi-K2-Instruct": "moonshotai__Kimi-K2-Instruct",
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": "nvidia__NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
    "nvidia/Nemotron-H-56B-Base-8K": "nvidia__Nemotron-H-56B-Base-8K",
    "openai/gpt-oss-120b": "openai__gpt-oss-120b",
    "zai-org/GLM-4.5": "reconstructed/zai-org__GLM-4.5",
    "zai-org/GLM-4.7": "zai-org__GLM-4.7",
    "zai-org/GLM-5": "zai-org__GLM-5",
}


@pytest.fixture(scope="module")
def lowered():
    return {name: lower(load_model(name)) for name in model_paths()}


def test_the_survey_covers_the_catalog():
    # MiniMax-M3 is not in the survey, whose transformers did not know it by that name.
    # Gemma-4-31B came later, from MaxText; MoE-2T is a projection, its totals by hand.
    later = {"MiniMaxAI/MiniMax-M3", "google/gemma-4-31B", "projections/MoE-2T"}
    assert set(SURVEYED) == set(model_paths()) - later - set(PUBLISHED)


#: Models that came later, with the parameters the safetensors metadata of their Hub repositories state.
PUBLISHED = {
    "openai/gpt-oss-20b": 20_914_757_184,
    "Qwen/Qwen3-30B-A3B": 30_532_122_624,
    "meta-llama/Llama-3.1-405B": 405_853_388_800,
    "moonshotai/Kimi-K2.5": 1_026_408_209_408,  # the language model alone: as Kimi-K2-Instruct
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_later_models_have_their_published_size(lowered, name):
    assert totals(lowered[name], 1).parameters == PUBLISHED[name]


def test_gemma_4_31b_has_the_published_size(lowered):
    # 30.7B parameters (model card, through apxml.com/models/gemma-4-31b).
    counted = totals(lowered["google/gemma-4-31B"], 1).parameters
    assert counted == load_model("gemma-4-31b").expected.total
    assert counted / 1e9 == pytest.approx(30.7, abs=0.05)


@pytest.mark.parametrize("name", SURVEYED)
def test_counts_equal_those_the_model_file_expects(lowered, name):
    sums, expected = totals(lowered[name], 1), load_model(name).expected
    assert sums.parameters == expected.total
    assert expected.active in {sums.active_parameters, None}


@pytest.mark.shared
@pytest.mark.parametrize(("name", "surveyed"), SURVEYED.items())
def test_counts_equal_the_survey(lowered, shared, name, surveyed):
    truth = json.loads((shared / "data" / "param_truth.json").read_text())["models"][surveyed]
    sums, formula = totals(lowered[name], 8192), truth.get("formula")
    assert sums.parameters == truth["total_text_only"]
    if formula is not None:
        assert sums.active_parameters == formula["active_per_token_all"]
        assert sums.active_parameters_without_input_embedding == formula["active_per_token_no_input_embedding"]
    surveyed_kinds = {kind: count for kind, count in truth["sums"].items() if kind != "vision"}
    assert dict(sums.parameters_by_kind) == surveyed_kinds


@pytest.mark.shared
@pytest.mark.parametrize(("name", "surveyed"), SURVEYED.items())
@pytest.mark.parametrize("context", [8192, 131072])
def test_kv_cache_equals_the_survey(lowered, shared, name, surveyed, context):
    truth = json.loads((shared / "data" / "param_truth.json").read_text())["models"][surveyed]
    if "formula" not in truth:
        pytest.skip("no survey of its KV cache")
    kv, sums = truth["formula"]["kv"], totals(lowered[name], context)
    assert sums.kv_bytes_per_sequence == kv["bf16_bytes_at_ctx"][str(context)]
    # Elements of indices: FP8 keys with a scale of 4 B each.
    assert sums.index_bytes_per_token * 128 // 132 == kv["dsa_index_elems_per_token"]
    assert _state_elements(lowered[name]) == kv["fixed_state_elems_per_seq"]


def _state_elements(model):
    """Elements of all states: recurrences in FP32, the last inputs of convolutions in BF16."""
    elements = 0
    for kind in model.spec.layer_kinds():
        mixer = model.spec.mixers[kind.mixer]
        if mixer.kind == "mamba":
            elements += mixer.inner_size * (mixer.state_size + mixer.conv_kernel - 1)
        elif mixer.kind == "mamba2":
            elements += mixer.inner_size * mixer.state_size + mixer.conv_channels * (mixer.conv_kernel - 1)
        elif mixer.kind == "delta":
            elements += mixer.num_value_heads * mixer.key_head_dim * mixer.value_head_dim
            elements += mixer.conv_channels * (mixer.conv_kernel - 1)
    return elements


@pytest.mark.parametrize("name", SURVEYED)
def test_states_are_kept_in_fp32_and_convolutions_in_bf16(lowered, name):
    sums, elements = totals(lowered[name], 1), _state_elements(lowered[name])
    assert 2 * elements <= sums.state_bytes_per_sequence <= 4 * elements
    assert (sums.state_bytes_per_sequence == 0) == (elements == 0)


@pytest.mark.parametrize("name", SURVEYED)
def test_weights_flops_follow_from_active_parameters(lowered, name):
    # Two FLOPs per weight a token meets: all but the input embedding, norms and biases, at context zero.
    sums = totals(lowered[name], 0)
    weights = sum(
        matrix.elements * entry.visits_per_token
        for entry in op_classes(lowered[name])
        for matrix in entry.op.matrices
        if entry.op.kind != "embedding"
    )
    of_states = sum(
        entry.count * entry.op.flops_per_token for entry in op_classes(lowered[name]) if "ssm" in entry.op.kind
    )
    of_states -= sum(
        2 * entry.count * matrix.elements
        for entry in op_classes(lowered[name])
        for matrix in entry.op.matrices
        if "ssm" in entry.op.kind
    )
    assert sums.flops_per_token == 2 * weights + of_states
    assert weights == pytest.approx(sums.active_parameters_without_input_embedding, rel=3e-3)


def test_a_full_window_stops_growing(lowered):
    model = lowered["openai/gpt-oss-120b"]
    grown = [totals(model, context).kv_bytes_per_sequence for context in (127, 128, 129)]
    per_token = totals(model, 1).kv_bytes_per_token
    assert grown[1] - grown[0] == per_token
    assert grown[2] - grown[1] == per_token // 2


@pytest.mark.parametrize("name", SURVEYED)
def test_a_step_reads_more_with_every_sequence_and_never_more_than_everything(lowered, name):
    for entry in op_classes(lowered[name]):
        kv = entry.held_bytes_per_sequence(1000)
        reads = [read_bytes(entry, batch, 1000) for batch in (1, 2, 64, 4096)]
        assert reads == sorted(reads)
        weights = entry.count * entry.op.weight_bytes
        if entry.op.kind != "embedding":
            assert reads[-1] <= weights + 4096 * kv
        reads_all = all(cache.most_read is None for cache in entry.op.caches)
        if entry.visits_per_token == entry.count and entry.op.kind != "embedding" and reads_all:
            assert reads[0] == weights + kv


def test_one_token_reads_top_k_experts(lowered):
    (experts,) = (entry for entry in op_classes(lowered["deepseek-ai/DeepSeek-V3"]) if entry.op.kind == "expert")
    assert read_bytes(experts, 1, 1) == pytest.approx(58 * 8 * experts.op.weight_bytes)
