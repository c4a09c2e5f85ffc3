"""``placer kv``: the capacity question, with its arithmetic."""

from __future__ import annotations

import json

import pytest

from placer.graph.lower import lower
from placer.graph.totals import totals
from placer.model.catalog import load_model, model_paths


@pytest.mark.parametrize(
    ("model", "context", "batch", "total_bytes"),
    [
        # 80 layers x 8 KV heads x 128 x 2 x 2 B = 327,680 B a token
        ("llama-3.1-70b", "131072", "64", 327_680 * 131_072 * 64),
        ("llama-3.1-70b", "128Ki", "1", 42_949_672_960),
        ("llama-3.1-70b", "256Ki", "1", 85_899_345_920),
        # latent attention: 61 layers x 576 x 2 B
        ("deepseek-v3", "1M", "1", 70_272 * 10**6),
        ("deepseek-v3", "100k", "1", 70_272 * 10**5),
        # 4 of 32 layers attend; 4 GiB at 256 Ki tokens, and 28 states of 8192 x 16 in FP32 and 8192 x 3 in BF16
        ("ai21-jamba-1.5-mini", "256Ki", "1", 4 * 2**30 + 28 * (8192 * 16 * 4 + 8192 * 3 * 2)),
        # 18 windows of 128 tokens and 18 full layers of 8 x 64 x 2 x 2 B
        ("gpt-oss-120b", "131072", "2", 2 * 18 * 2048 * (128 + 131_072)),
    ],
)
def test_golden_answers(placer, model, context, batch, total_bytes):
    result = placer("kv", model, "--context", context, "--batch", batch)
    assert result.code == 0
    assert result.out.count("\n") == 1
    assert f"({total_bytes:,} B)" in result.out
    answer = json.loads(placer("kv", model, "--context", context, "--batch", batch, "--json").out)
    assert answer["total_bytes"] == total_bytes
    assert total_bytes == answer["batch"] * sum(
        term["layers"] * term["entry_bytes"] * term["entries"] for term in answer["terms"]
    )


@pytest.mark.parametrize("model", model_paths())
def test_the_answer_is_what_lowering_says(placer, model):
    answer = json.loads(placer("kv", model, "--context", "4096", "--json").out)
    assert answer["bytes_per_sequence"] == totals(lower(load_model(model)), 4096).held_bytes_per_sequence


def test_kv_in_fp8_is_half(placer):
    whole, half = (
        json.loads(placer("kv", "llama-8b", "--context", "1k", "--json", *more).out)["total_bytes"]
        for more in ((), ("--kv", "fp8"))
    )
    assert whole == 2 * half


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("llama-8b", "--context", "1k", "--kv", "fp9"), '--kv: unknown format "fp9"; did you mean "fp8"?'),
        (("llama-8b", "--context", "-3"), "--context"),
        (("llama-9b", "--context", "3"), 'unknown model "llama-9b"'),
    ],
)
def test_bad_input_is_named(placer, arguments, message):
    result = placer("kv", *arguments)
    assert result.code != 0
    assert message in result.err
    assert not result.out
