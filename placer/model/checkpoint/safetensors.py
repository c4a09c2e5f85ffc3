"""Headers of ``*.safetensors`` files: eight bytes of length, then JSON. Only the header is read.

Format: https://huggingface.co/docs/safetensors, "Format".
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from placer.errors import ModelConfigError, clipped
from placer.model.checkpoint.tensors import TensorInfo, TensorList

#: The reference implementation refuses longer headers too.
LARGEST_HEADER = 100_000_000
_LENGTH_BYTES = 8
_BITS = {
    **{"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "BF16": 16, "F16": 16, "I16": 16, "U16": 16},
    **{"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I8": 8, "U8": 8, "BOOL": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4},
}


def read_header(path: Path) -> tuple[TensorInfo, ...]:
    """Return the tensors of one file.

    Raises
    ------
    ModelConfigError
        If the file cannot be read, or its header is damaged: truncated, too long, of unknown types, with ranges that
        do not fit shapes or file.
    """
    where = str(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if size < _LENGTH_BYTES or length > min(size - _LENGTH_BYTES, LARGEST_HEADER):
                raise ModelConfigError(f"is no safetensors file: a header of {length:,} B in {size:,} B", where=where)
            raw = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_without_repeats)
    except OSError as error:
        raise ModelConfigError(error.strerror or "cannot be read", where=where) from error
    except (ValueError, RecursionError) as error:
        raise ModelConfigError(f"has a damaged header: {clipped(str(error))}", where=where) from error
    if not isinstance(raw, dict):
        raise ModelConfigError("has a damaged header: expected named tensors", where=where)
    entries = {name: entry for name, entry in raw.items() if name != "__metadata__"}
    return tuple(_tensor(name, entry, size - _LENGTH_BYTES - length, where) for name, entry in entries.items())


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _tensor(name: str, entry: object, data_bytes: int, where: str) -> TensorInfo:
    place = f"{where}: {clipped(name)}"
    if not isinstance(entry, dict):
        raise ModelConfigError(f"expected dtype, shape and data_offsets, got {clipped(entry)}", where=place)
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise ModelConfigError(f"unknown dtype {clipped(dtype)}, expected one of {sorted(_BITS)}", where=place)
    sizes, ends = _whole(shape), _whole(offsets)
    if sizes is None or ends is None or len(ends) != len(("begin", "end")):
        raise ModelConfigError(f"expected whole numbers in shape and data_offsets, got {clipped(entry)}", where=place)
    begin, end = ends
    num_bytes = -(-math.prod(sizes) * _BITS[dtype] // 8)
    if not 0 <= begin <= end <= data_bytes or end - begin != num_bytes:
        raise ModelConfigError(
            f"{num_bytes:,} B of {dtype} {clipped(shape)} do not fit bytes {begin} to {end} of {data_bytes:,}",
            where=place,
        )
    return TensorInfo(name, dtype, tuple(sizes), num_bytes)


def _whole(value: object) -> list[int] | None:
    is_whole = isinstance(value, list) and all(type(item) is int and 0 <= item < 2**62 for item in value)
    return list(value) if is_whole and isinstance(value, list) else None


def read_folder(folder: Path) -> TensorList:
    """Return the tensors of all files of a folder; those of its index, where it has one.

    Raises
    ------
    ModelConfigError
        If a file or the index is damaged, a tensor stands in two files, or the index names a tensor its file lacks.
    """
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return TensorList(_joined(sorted(folder.glob("*.safetensors"))))
    mapping = _weight_map(index)
    files = sorted(set(mapping.values()))
    present = [folder / name for name in files if (folder / name).is_file()]
    tensors = _joined(present)
    names = {tensor.name for tensor in tensors}
    absent = [name for name, file in mapping.items() if name not in names and (folder / file).is_file()]
    if absent:
        raise ModelConfigError(f"{clipped(absent[0])} is not in {mapping[absent[0]]}", where=str(index))
    return TensorList(tensors, tuple(name for name in files if not (folder / name).is_file()))


def _weight_map(index: Path) -> dict[str, str]:
    try:
        mapping = json.loads(index.read_text(encoding="utf-8")).get("weight_map")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ModelConfigError(f"is damaged: {clipped(str(error))}", where=str(index)) from error
    if not isinstance(mapping, dict) or not all(isinstance(file, str) for file in mapping.values()):
        raise ModelConfigError("weight_map: expected a file for every tensor", where=str(index))
    outside = [file for file in mapping.values() if Path(file).name != file]
    if outside:
        raise ModelConfigError(f"weight_map: {clipped(outside[0])} is no file of this folder", where=str(index))
    return mapping


def _joined(paths: list[Path]) -> tuple[TensorInfo, ...]:
    tensors: dict[str, TensorInfo] = {}
    for path in paths:
        for tensor in read_header(path):
            if tensor.name in tensors:
                raise ModelConfigError("stands in two files", where=f"{path}: {clipped(tensor.name)}")
            tensors[tensor.name] = tensor
    return tuple(tensors.values())
