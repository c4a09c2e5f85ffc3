"""``placer roofline``: what arithmetic alone allows."""

from __future__ import annotations

import json

import pytest

from placer.catalog.loader import device_names
from placer.model.catalog import model_paths


def test_the_table_says_what_the_json_says(placer):
    arguments = ("roofline", "deepseek-v3", "--device", "lp30", "--batch", "8,64", "--context", "8k,128k")
    text = placer(*arguments, "--routing", "zipf:0.6", "--hot", "64", "--tps-user", "50")
    answer = json.loads(placer(*arguments, "--routing", "zipf:0.6", "--hot", "64", "--tps-user", "50", "--json").out)
    assert text.code == 0
    roof, experts, hops = answer["roofline"], answer["experts"], answer["hops"]
    assert (roof["batch"], roof["context"]) == (8, 8_000)
    assert f"{roof['min_devices']:,} that hold it" in " ".join(text.out.split())
    for op in roof["ops"]:
        assert op["kind"].replace("_", " ") in text.out
    assert [(entry["batch"], entry["context"]) for entry in roof["ffn_shares"]] == [
        (8, 8_000),
        (8, 128_000),
        (64, 8_000),
        (64, 128_000),
    ]
    assert f"{experts['hot_share']:.0%} of routings" in text.out
    assert [entry["batch"] for entry in experts["batches"]] == [8, 64]
    assert f"{2 * hops['num_layers']} one-way hops" in text.out
    assert hops["layer_budget_s"] == pytest.approx(1 / 50 / 61)


@pytest.mark.parametrize("device", device_names())
def test_every_device_has_an_answer(placer, device):
    assert placer("roofline", "deepseek-v3", "--device", device).code == 0


@pytest.mark.parametrize("model", model_paths())
def test_every_model_has_an_answer(placer, model):
    result = placer("roofline", model, "--device", "lp30", "--json")
    assert result.code == 0
    assert json.loads(result.out)["roofline"]["seconds"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("llama-70b", "--device", "h20O"), 'unknown device "h20O"'),
        (("llama-7Ob", "--device", "h20"), "did you mean"),
        (("llama-70b", "--device", "h20", "--batch", "8,none"), "expected --batch as a positive whole number"),
        (("llama-70b", "--device", "h20", "--context", "0"), "expected --context as a positive whole number"),
        (("llama-70b", "--device", "h20", "--hot", "-1"), "--hot: expected a number of experts"),
        (("llama-70b", "--device", "h20", "--hot", "1"), "--hot: meta-llama/Llama-3.1-70B has no routed experts"),
        (("deepseek-v3", "--device", "h20", "--routing", "zipf:-1"), "--routing: exponent"),
        (("deepseek-v3", "--device", "h20", "--routing", "zipff:1"), "did you mean"),
        (("llama-70b", "--device", "h20", "--tps-user", "0"), "--tps-user: expected tokens per second above zero"),
        (("llama-70b", "--device", "h20", "--tps-user", "nan"), "--tps-user: expected tokens per second above zero"),
        (("llama-70b", "--device", "h20", "--weights", "fp9"), 'unknown format "fp9"'),
    ],
)
def test_bad_input_is_named(placer, arguments, message):
    result = placer("roofline", *arguments)
    assert result.code == 2
    assert result.out == ""
    assert message in result.err
    assert result.err.count("\n") == 1
