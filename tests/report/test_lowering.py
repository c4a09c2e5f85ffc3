"""The numbers and the table of a lowered model."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from placer.graph.lower import lower
from placer.model.catalog import load_model, model_paths
from placer.report.lowering import render_lowering
from placer.report.lowering_json import Lowering, summarize


@pytest.mark.parametrize("name", model_paths())
def test_op_classes_add_up_to_the_totals(name):
    lowering = summarize(lower(load_model(name)), context=8192, batch=32)
    classes = lowering.op_classes
    assert sum(entry.parameters for entry in classes) == lowering.parameters.total
    assert sum(count for _, count in lowering.parameters.by_kind) == lowering.parameters.total
    for field in ("weight_bytes", "flops_per_token", "kv_bytes_per_token", "kv_bytes_per_sequence"):
        assert sum(getattr(entry, field) for entry in classes) == getattr(lowering, field)


def test_attention_intensity_of_grouped_queries_is_the_group_size():
    # Every cached key and value, two bytes each, meets 8 query heads with two FLOPs: 8 FLOP/B at any batch.
    for batch in (1, 64):
        lowering = summarize(lower(load_model("llama-70b")), context=8192, batch=batch)
        (core,) = (entry for entry in lowering.op_classes if entry.kind == "attention_core")
        assert core.arithmetic_intensity == pytest.approx(8)


def test_a_dense_matrix_in_bf16_has_the_batch_as_its_intensity():
    lowering = summarize(lower(load_model("llama-70b")), context=8192, batch=64)
    (ffn,) = (entry for entry in lowering.op_classes if entry.kind == "dense_ffn")
    assert ffn.arithmetic_intensity == pytest.approx(64, rel=1e-4)


def test_json_reads_back_to_the_same_value():
    lowering = summarize(lower(load_model("gpt-oss-120b")), context=8192, batch=3)
    assert Lowering.model_validate_json(lowering.to_json()) == lowering


def test_the_table_has_a_line_per_op_class_and_fits_a_wide_terminal():
    lowering = summarize(lower(load_model("gpt-oss-120b")), context=8192, batch=64)
    stream = io.StringIO()
    Console(file=stream, width=120).print(render_lowering(lowering))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 120
    for label in ("attention core (window 128)", "attention core ", "expert (mxfp4)", "lm head"):
        assert any(line.startswith(label) for line in lines), label
    (total, _) = (line.split() for line in lines if line.startswith("total"))
    assert total[:3] == ["total", "4,754", "65.25"]
