"""Checkpoints against their lowering, to the byte."""

from __future__ import annotations

import json
import math
import struct

import pytest

from tests.model.configs import CONFIGS

BYTES = {"BF16": 2, "F32": 4, "F8_E4M3": 1}


def llama_tensors():
    config = CONFIGS["llama"]
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], 4 * 16
    tensors = {
        "model.embed_tokens.weight": (96, hidden),
        "lm_head.weight": (96, hidden),
        "model.norm.weight": (hidden,),
    }
    for layer in range(config["num_hidden_layers"]):
        here = f"model.layers.{layer}."
        for name, width in (("q", heads), ("k", 32), ("v", 32)):
            tensors[f"{here}self_attn.{name}_proj.weight"] = (width, hidden)
            tensors[f"{here}self_attn.{name}_proj.bias"] = (width,)
        tensors[f"{here}self_attn.o_proj.weight"] = (hidden, heads)
        tensors[f"{here}self_attn.o_proj.bias"] = (hidden,)
        for name in ("gate", "up"):
            tensors[f"{here}mlp.{name}_proj.weight"] = (inner, hidden)
            tensors[f"{here}mlp.{name}_proj.bias"] = (inner,)
        tensors[f"{here}mlp.down_proj.weight"] = (hidden, inner)
        tensors[f"{here}mlp.down_proj.bias"] = (hidden,)
        for name in ("input", "post_attention"):
            tensors[f"{here}{name}_layernorm.weight"] = (hidden,)
    return {name: ("BF16", shape) for name, shape in tensors.items()}


@pytest.fixture
def compare(tmp_path, placer):
    """Write a checkpoint and return what ``placer lower`` says of it."""

    def run(tensors, config=None):
        header, end = {}, 0
        for name, (dtype, shape) in tensors.items():
            begin, end = end, end + math.prod(shape) * BYTES[dtype]
            header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
        content = json.dumps(header).encode()
        (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(content)) + content + bytes(end))
        (tmp_path / "config.json").write_text(json.dumps(config or CONFIGS["llama"]))
        result = placer("lower", tmp_path, "--json", "--context", "100")
        assert result.code == 0, result.err
        return json.loads(result.out)["reconciliation"]

    return run


def test_every_byte_is_accounted_for(compare, placer, tmp_path):
    found = compare(llama_tensors())
    assert not found["differences"]
    assert not found["unknown"]
    assert found["stored_bytes"] == found["lowered_bytes"]
    assert "every byte is accounted for" in placer("lower", tmp_path).out


def test_fp8_blocks_and_their_scales(compare):
    tensors = {}
    for name, (dtype, shape) in llama_tensors().items():
        is_quantised = "_proj.weight" in name
        tensors[name] = ("F8_E4M3" if is_quantised else dtype, shape)
        if is_quantised:
            tensors[f"{name}_scale_inv"] = ("F32", (1, 1))
    quantised = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}
    found = compare(tensors, CONFIGS["llama"] | quantised)
    assert not found["differences"]


@pytest.mark.parametrize(
    ("change", "layer", "kind"),
    [
        ({"model.layers.2.mlp.up_proj.weight": ("BF16", (47, 64))}, 2, "dense_ffn"),
        ({"model.layers.1.self_attn.q_norm.weight": ("BF16", (16,))}, 1, "attn"),
        ({"model.layers.0.input_layernorm.weight": ("F32", (64,))}, 0, "norm"),
        ({"lm_head.weight": None}, None, "lm_head"),
    ],
)
def test_differences_are_found_where_they_are(compare, change, layer, kind):
    tensors = {name: value for name, value in (llama_tensors() | change).items() if value is not None}
    (difference,) = compare(tensors)["differences"]
    assert (difference["layer"], difference["kind"]) == (layer, kind)
    assert difference["lowered_bytes"] != difference["stored_bytes"]


def test_what_is_not_lowered_is_set_aside_and_what_is_unknown_is_named(compare):
    extra = {
        "model.layers.4.mlp.up_proj.weight": ("BF16", (2, 2)),
        "vision_tower.patch.weight": ("BF16", (3, 3)),
        "model.layers.0.self_attn.rotary_emb.inv_freq": ("F32", (8,)),
        "something.else": ("BF16", (5,)),
    }
    found = compare(llama_tensors() | extra)
    assert found["not_lowered"] == {"mtp": 8, "vision": 18}
    assert found["unknown"] == ["something.else"]
    assert not found["differences"]
