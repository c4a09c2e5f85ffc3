"""Headers of safetensors files: what is read, and what is refused."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placer.errors import ModelConfigError
from placer.model.checkpoint.safetensors import read_folder, read_header


def write(path, header, data=b"", *, length=None):
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(content) if length is None else length) + content + data)
    return path


def entry(dtype="BF16", shape=(2, 3), begin=0, end=12):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def test_names_types_shapes_and_bytes(tmp_path):
    header = {"__metadata__": {"format": "pt"}, "a": entry(), "b": entry("F8_E4M3", (4,), 12, 16)}
    first, second = read_header(write(tmp_path / "m.safetensors", header, bytes(16)))
    assert (first.name, first.dtype, first.shape, first.num_bytes) == ("a", "BF16", (2, 3), 12)
    assert second.num_bytes == 4


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        ({"a": entry()}, bytes(11), "do not fit bytes 0 to 12 of 11"),
        ({"a": entry(end=10)}, bytes(12), "12 B of BF16"),
        ({"a": entry(dtype="F99")}, bytes(12), "unknown dtype 'F99'"),
        ({"a": entry(shape=(-2, 3))}, bytes(12), "expected whole numbers"),
        ({"a": entry(shape=(True, 3))}, bytes(12), "expected whole numbers"),
        ({"a": 5}, b"", "expected dtype, shape and data_offsets"),
        ([1], b"", "expected named tensors"),
        (b"{", b"", "damaged header"),
        (b"\xff\xfe", b"", "damaged header"),
        (b'{"a": 1, "a": 2}', b"", "stands twice"),
        (b"[" * 100_000, b"", "damaged header"),
    ],
)
def test_damage_is_named(tmp_path, header, data, message):
    path = write(tmp_path / "m.safetensors", header, data)
    with pytest.raises(ModelConfigError, match=message) as caught:
        read_header(path)
    assert caught.value.where.startswith(str(path))


@pytest.mark.parametrize("length", [2**63, 10**9, 500])
def test_a_header_longer_than_the_file_is_not_read(tmp_path, length):
    with pytest.raises(ModelConfigError, match="is no safetensors file"):
        read_header(write(tmp_path / "m.safetensors", {}, length=length))


@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    try:
        read_header(path)
    except ModelConfigError as error:
        assert error.where.startswith(str(path))  # noqa: PT017 both outcomes are fine


def test_an_index_names_files_and_tensors(tmp_path):
    write(tmp_path / "one.safetensors", {"a": entry()}, bytes(12))
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    found = read_folder(tmp_path)
    assert [tensor.name for tensor in found.tensors] == ["a"]
    assert found.missing == ("two.safetensors",)
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "one.safetensors"}}))
    with pytest.raises(ModelConfigError, match=r"'b' is not in one\.safetensors"):
        read_folder(tmp_path)
    index.write_text(json.dumps({"weight_map": {"a": "../one.safetensors"}}))
    with pytest.raises(ModelConfigError, match="no file of this folder"):
        read_folder(tmp_path)
    index.write_text("{")
    with pytest.raises(ModelConfigError, match="is damaged"):
        read_folder(tmp_path)


def test_a_tensor_in_two_files_is_refused(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / f"{name}.safetensors", {"a": entry()}, bytes(12))
    with pytest.raises(ModelConfigError, match="stands in two files"):
        read_folder(tmp_path)
