"""GGUF files, written with the package that defines them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from placer.errors import ModelConfigError
from placer.graph.lower import lower
from placer.graph.totals import totals
from placer.model.catalog import load_model
from placer.model.checkpoint.gguf import read_gguf
from placer.model.precision import WeightFormat, matrix_bytes
from placer.report.reconcile import reconcile

gguf = pytest.importorskip("gguf")

HIDDEN, INNER, LAYERS, VOCABULARY, HEADS, KV_HEADS, HEAD_DIM = 256, 512, 2, 64, 8, 4, 32


def add_tensor(writer, kinds, name, *shape):
    """Add zeros; ``kinds`` gives formats by part of a tensor's name, FP16 by default, FP32 for vectors."""
    kind = next((kind for part, kind in (kinds or {}).items() if part in name), None)
    if len(shape) == 1:
        writer.add_tensor(name, np.zeros(shape, dtype=np.float32))
    elif kind is None:
        writer.add_tensor(name, np.zeros(shape, dtype=np.float16))
    else:
        block, volume = gguf.GGML_QUANT_SIZES[kind]
        rows = (*shape[:-1], shape[-1] // block * volume)
        writer.add_tensor(name, np.zeros(rows, dtype=np.uint8), raw_dtype=kind)


def shapes(*, experts, tied):
    """Yield name and shape of every tensor of a small decoder."""
    yield "token_embd.weight", VOCABULARY, HIDDEN
    yield "output_norm.weight", HIDDEN
    if not tied:
        yield "output.weight", VOCABULARY, HIDDEN
    each, suffix = ((experts,), "_exps") if experts else ((), "")
    for here in (f"blk.{layer}." for layer in range(LAYERS)):
        for name, width in (("q", HIDDEN), ("k", KV_HEADS * HEAD_DIM), ("v", KV_HEADS * HEAD_DIM), ("output", HIDDEN)):
            yield f"{here}attn_{name}.weight", width, HIDDEN
        yield f"{here}attn_norm.weight", HIDDEN
        yield f"{here}ffn_norm.weight", HIDDEN
        if experts:
            yield f"{here}ffn_gate_inp.weight", experts, HIDDEN
        for name, rows, columns in (("gate", INNER, HIDDEN), ("up", INNER, HIDDEN), ("down", HIDDEN, INNER)):
            yield (f"{here}ffn_{name}{suffix}.weight", *each, rows, columns)


def write(path, architecture="llama", kinds=None, *, experts=0, tied=False):
    """Write a small decoder."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_context_length(4096)
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(2)
    for name, *shape in shapes(experts=experts, tied=tied):
        add_tensor(writer, kinds, name, *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("experts", [0, 4])
@pytest.mark.parametrize("tied", [False, True])
def test_shapes_and_bytes(tmp_path, experts, tied):
    spec, stored = read_gguf(write(tmp_path / "m.gguf", experts=experts, tied=tied))
    model = lower(spec)
    assert totals(model, 1).parameters == sum(
        tensor.num_bytes // (2 if len(tensor.shape) > 1 else 4) for tensor in stored.tensors
    )
    found = reconcile(model, stored)
    assert {difference.kind for difference in found.differences} == {"norm"}  # FP32 in files of this kind
    assert not found.unknown


def test_blocks_with_their_scales(tmp_path):
    kinds = {"attn_": gguf.GGMLQuantizationType.Q8_0, "ffn_": gguf.GGMLQuantizationType.Q4_K}
    spec, stored = read_gguf(write(tmp_path / "m.gguf", kinds=kinds))
    assert (spec.precision.attention, spec.precision.dense_ffn, spec.precision.lm_head) == ("q8_0", "q4_k", "bf16")
    assert {difference.kind for difference in reconcile(lower(spec), stored).differences} == {"norm"}


def test_a_mix_is_noted_and_its_difference_listed(tmp_path):
    kinds = {"ffn_down": gguf.GGMLQuantizationType.Q6_K, "ffn_": gguf.GGMLQuantizationType.Q4_K}
    spec, stored = read_gguf(write(tmp_path / "m.gguf", kinds=kinds))
    assert spec.precision.dense_ffn == "q4_k"
    assert "dense ffn is stored in q4_k, q6_k; lowered in q4_k" in spec.notes
    kinds_found = {difference.kind for difference in reconcile(lower(spec), stored).differences}
    assert kinds_found == {"norm", "dense_ffn"}


def test_every_block_format_has_the_bytes_the_package_says():
    known = {kind.name.lower(): sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    shared = [name for name in WeightFormat if name in known and name not in {"bf16", "nvfp4"}]
    assert len(shared) >= 10
    for name in shared:
        block, volume = known[name]
        assert matrix_bytes(3, 2 * block, name) == 6 * volume


def test_it_is_a_model_like_any_other(tmp_path):
    assert load_model(str(write(tmp_path / "small.gguf"))).name == "small"


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF" + bytes(100), bytes(1000), json.dumps({}).encode()])
def test_damage_is_one_message(tmp_path, content):
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelConfigError, match=r"GGUF|architecture") as caught:
        read_gguf(path)
    assert caught.value.where.startswith(str(path))


def test_an_unknown_architecture_is_named(tmp_path):
    with pytest.raises(ModelConfigError, match="'mamba' is not understood, expected one of llama"):
        read_gguf(write(tmp_path / "m.gguf", "mamba"))
