"""Counts of the catalog's models against sources other than placer."""

from __future__ import annotations

import json

import pytest

from placer.graph.lower import lower
from placer.graph.totals import op_classes, read_bytes, totals
from placer.model.catalog import load_model, model_paths

#: Catalog name and name in the survey of parameter counts.
SURVEYED = {
    "Qwen/Qwen3-235B-A22B": "Qwen__Qwen3-235B-A22B",
    "deepseek-ai/DeepSeek-V3": "deepseek-ai__DeepSeek-V3",
    "meta-llama/Llama-3.1-70B": "meta-llama__Meta-Llama-3.1-70B",
    "meta-llama/Llama-3.1-8B": "meta-llama__Meta-Llama-3.1-8B",
    "mistralai/Mixtral-8x7B-v0.1": "mistralai__Mixtral-8x7B-v0.1",
    "openai/gpt-oss-120b": "openai__gpt-oss-120b",
}


@pytest.fixture(scope="module")
def lowered():
    return {name: lower(load_model(name)) for name in model_paths()}


def test_the_survey_covers_the_catalog():
    assert set(SURVEYED) == set(model_paths())


@pytest.mark.parametrize("name", SURVEYED)
def test_counts_equal_those_the_model_file_expects(lowered, name):
    sums, expected = totals(lowered[name], 1), load_model(name).expected
    assert (sums.parameters, sums.active_parameters) == (expected.total, expected.active)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "surveyed"), SURVEYED.items())
def test_counts_equal_the_survey(lowered, shared, name, surveyed):
    truth = json.loads((shared / "data" / "param_truth.json").read_text())["models"][surveyed]
    sums, formula = totals(lowered[name], 8192), truth["formula"]
    assert sums.parameters == truth["total"]
    assert sums.active_parameters == formula["active_per_token_all"]
    assert sums.active_parameters_without_input_embedding == formula["active_per_token_no_input_embedding"]
    surveyed_kinds = {kind: count for kind, count in truth["sums"].items() if kind not in {"other", "vision"}}
    assert dict(sums.parameters_by_kind) == surveyed_kinds


@pytest.mark.shared
@pytest.mark.parametrize(("name", "surveyed"), SURVEYED.items())
@pytest.mark.parametrize("context", [8192, 131072])
def test_kv_cache_equals_the_survey(lowered, shared, name, surveyed, context):
    truth = json.loads((shared / "data" / "param_truth.json").read_text())["models"][surveyed]
    assert (
        totals(lowered[name], context).kv_bytes_per_sequence
        == truth["formula"]["kv"]["bf16_bytes_at_ctx"][str(context)]
    )


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
    assert sums.flops_per_token == 2 * weights
    assert weights <= sums.active_parameters_without_input_embedding
    assert weights == pytest.approx(sums.active_parameters_without_input_embedding, rel=2e-3)


def test_a_full_window_stops_growing(lowered):
    model = lowered["openai/gpt-oss-120b"]
    grown = [totals(model, context).kv_bytes_per_sequence for context in (127, 128, 129)]
    per_token = totals(model, 1).kv_bytes_per_token
    assert grown[1] - grown[0] == per_token
    assert grown[2] - grown[1] == per_token // 2


@pytest.mark.parametrize("name", SURVEYED)
def test_a_step_reads_more_with_every_sequence_and_never_more_than_everything(lowered, name):
    for entry in op_classes(lowered[name]):
        kv = entry.kv_bytes_per_sequence(1000)
        reads = [read_bytes(entry, batch, 1000) for batch in (1, 2, 64, 4096)]
        assert reads == sorted(reads)
        if entry.op.kind != "embedding":
            assert reads[-1] <= entry.weight_bytes + 4096 * kv
        if entry.visits_per_token == entry.count and entry.op.kind != "embedding":
            assert reads[0] == entry.weight_bytes + kv


def test_one_token_reads_top_k_experts(lowered):
    (experts,) = (entry for entry in op_classes(lowered["deepseek-ai/DeepSeek-V3"]) if entry.op.kind == "expert")
    assert read_bytes(experts, 1, 1) == pytest.approx(58 * 8 * experts.op.weight_bytes)
