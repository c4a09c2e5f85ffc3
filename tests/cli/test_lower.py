"""``placer lower``: forms, files, options."""

from __future__ import annotations

import io
import json

import networkx as nx
import pytest

from placer.model.catalog import model_paths

KEYS = [
    *("schema_version", "model", "context", "batch", "parameters", "weight_bytes"),
    *("kv_bytes_per_token", "kv_bytes_per_sequence", "index_bytes_per_token", "state_bytes_per_sequence"),
    *("held_bytes_per_sequence", "flops_per_token", "prefill_flops_per_token", "op_classes", "contexts", "notes"),
    "reconciliation",
]
KINDS = [
    *("embed", "attn", "dense_ffn", "router", "routed_experts", "shared_experts", "lm_head", "ssm", "norm"),
    "other",
]
CLASS_KEYS = {
    *("kind", "count", "weight_bytes", "flops_per_token", "kv_bytes_per_sequence", "read_bytes"),
    "arithmetic_intensity",
}


@pytest.mark.parametrize("name", model_paths())
def test_json_has_exactly_the_keys_agreed_on(placer, name):
    result = placer("lower", name, "--json", "--context", "4096")
    assert (result.code, result.err) == (0, "")
    raw = json.loads(result.out)
    assert list(raw) == KEYS
    assert list(raw["parameters"]) == ["total", "active", "active_without_input_embedding", "by_kind"]
    assert list(raw["parameters"]["by_kind"]) == KINDS
    assert all(set(entry) >= CLASS_KEYS for entry in raw["op_classes"])
    assert (raw["schema_version"], raw["model"], raw["context"], raw["batch"]) == (1, name, 4096, 1)


def test_deepseek_v3_in_numbers(placer):
    raw = json.loads(placer("lower", "DeepSeek-V3", "--json").out)
    assert raw["parameters"]["total"] == 671_026_404_352
    assert raw["parameters"]["active"] == 37_552_282_624
    assert raw["parameters"]["by_kind"]["routed_experts"] == 653_908_770_816
    assert raw["kv_bytes_per_token"] == 70_272
    assert raw["kv_bytes_per_sequence"] == 575_668_224


def test_options_reach_the_numbers(placer):
    raw = json.loads(placer("lower", "llama-8b", "--json", "--context", "128Ki", "--batch", "2k").out)
    assert (raw["context"], raw["batch"]) == (131_072, 2000)
    assert raw["kv_bytes_per_sequence"] == 131_072 * raw["kv_bytes_per_token"]


def test_the_table_is_for_people_and_no_json(placer):
    result = placer("lower", "mixtral-8x7b")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("mistralai/Mixtral-8x7B-v0.1: 46,702,792,704 parameters")
    assert "\x1b" not in result.out


@pytest.mark.parametrize("form", [(), ("--json",), ("--graphml",), ("--dot",)])
def test_a_file_gets_what_standard_output_would(placer, tmp_path, form):
    printed = placer("lower", "llama-8b", *form)
    path = tmp_path / "result"
    written = placer("lower", "llama-8b", *form, "-o", path)
    assert (written.code, written.out, written.err) == (0, "", "")
    assert path.read_text() == printed.out
    assert list(tmp_path.iterdir()) == [path]


def test_graphml_is_read_by_networkx(placer):
    graph = nx.read_graphml(io.BytesIO(placer("lower", "llama-8b", "--graphml").out.encode()))
    assert len(graph) == 2 + 32 * 4
    assert sum(data["parameters"] for _, data in graph.nodes(data=True)) == 8_030_261_248


def test_dot_has_a_node_per_op(placer):
    out = placer("lower", "llama-8b", "--dot").out
    assert out.count("[kind=") == 2 + 32 * 4


def test_forms_exclude_each_other(placer, tmp_path):
    result = placer("lower", "llama-8b", "--json", "--dot", "-o", tmp_path / "x")
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: --json and --dot exclude each other\n"
    assert not list(tmp_path.iterdir())


def test_a_context_beyond_the_models_is_warned_about_beside_the_result(placer):
    result = placer("lower", "llama-8b", "--json", "--context", "1M")
    assert result.code == 0
    assert result.err == "warning: context 1,000,000 exceeds the model's longest, 131,072\n"
    assert json.loads(result.out)["context"] == 1_000_000
