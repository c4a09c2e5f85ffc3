"""GGUF files (extra ``gguf``): shapes from the metadata, storage from the tensors.

Keys and tensor names: the GGUF specification of ggml-org/ggml. A file mixes formats inside a class of modules
(``Q4_K_M`` does); the lowering takes the one most bytes are in, notes the mix, and reconciliation lists the rest.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from placer.errors import ModelConfigError, clipped
from placer.model.checkpoint.tensors import TensorInfo, TensorList
from placer.model.precision import Precision, WeightFormat, dispatch_format
from placer.model.readers.registry import read_config
from placer.model.spec import ModelSpec

#: Metadata keys after the architecture, and what transformers calls them.
_FIELDS = {
    "block_count": "num_hidden_layers",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.sliding_window": "sliding_window",
    "context_length": "max_position_embeddings",
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
}
#: Architectures of files, and the families that read them; llama files with experts are Mixtral's.
_FAMILIES = {"llama": "llama", "qwen3": "qwen3", "qwen3moe": "qwen3_moe", "olmoe": "olmoe", "gpt-oss": "gpt_oss"}
_CLASSES: tuple[tuple[str, str], ...] = (
    ("_exps.", "experts"),
    ("ffn_gate_inp.", "router"),
    ("ffn_", "dense_ffn"),
    ("attn_", "attention"),
    ("token_embd.", "embedding"),
    ("output.weight", "lm_head"),
)
_MATRIX_RANK = 2
_FORMATS = {"f32": "fp32", "f16": "bf16", "bf16": "bf16", "mxfp4": "mxfp4"}


def read_gguf(path: Path) -> tuple[ModelSpec, TensorList]:
    """Return the decoder of a GGUF file, and its tensors.

    Raises
    ------
    ModelConfigError
        If the ``gguf`` package is not installed, the file is damaged, or its architecture or a format is not known.
    """
    where = str(path)
    try:
        package: Any = importlib.import_module("gguf")
    except ImportError as error:
        raise ModelConfigError("GGUF files need the gguf package: pip install 'placer[gguf]'", where=where) from error
    try:
        reader = package.GGUFReader(where)
        fields = {name: field.contents() for name, field in reader.fields.items() if _is_small(field)}
        stored = [(one.name, one.tensor_type.name, one.shape, one.n_bytes) for one in reader.tensors]
    except Exception as error:
        # A damaged file makes the package raise whatever it stumbles over.
        reason = clipped(str(error) or type(error).__name__)
        raise ModelConfigError(f"is no GGUF file, or a damaged one: {reason}", where=where) from error
    tensors = tuple(
        TensorInfo(name, kind.lower(), tuple(int(size) for size in shape), int(volume))
        for name, kind, shape, volume in stored
    )
    raw = _configuration(fields, tensors, where)
    spec = read_config(raw, name=path.stem, where=where)
    precision, notes = _precision(tensors, where)
    update = {"precision": precision, "notes": (*spec.notes, *notes)}
    return spec.model_copy(update=update), TensorList(tensors)


def _is_small(field: Any) -> bool:
    """Return whether a field is no list, such as the vocabulary."""
    return len(field.data) == 1


def _configuration(fields: Mapping[str, Any], tensors: tuple[TensorInfo, ...], where: str) -> dict[str, object]:
    architecture = fields.get("general.architecture")
    if not isinstance(architecture, str) or architecture not in _FAMILIES:
        known = ", ".join(_FAMILIES)
        raise ModelConfigError(
            f"{clipped(architecture)} is not understood, expected one of {known}",
            where=f"{where}: general.architecture",
        )
    raw: dict[str, object] = {"model_type": _FAMILIES[architecture], "torch_dtype": "bfloat16"}
    for key, name in _FIELDS.items():
        value = fields.get(f"{architecture}.{key}")
        if value is not None:
            raw[name] = value
    by_name = {tensor.name: tensor for tensor in tensors}
    table = by_name.get("token_embd.weight")
    if table is None or len(table.shape) != _MATRIX_RANK:
        raise ModelConfigError("has no table of embeddings", where=f"{where}: token_embd.weight")
    raw["vocab_size"] = table.shape[1]
    raw["tie_word_embeddings"] = "output.weight" not in by_name
    raw["attention_bias"] = "blk.0.attn_q.bias" in by_name
    if architecture in {"llama", "gpt-oss"} and raw.get("num_experts"):
        raw |= {"num_local_experts": raw.pop("num_experts")}
        raw["model_type"] = "mixtral" if architecture == "llama" else "gpt_oss"
        raw["intermediate_size"] = raw.pop("moe_intermediate_size", raw.get("intermediate_size"))
    if architecture == "olmoe":
        raw["intermediate_size"] = raw.pop("moe_intermediate_size", raw.get("intermediate_size"))
    return raw


def _precision(tensors: tuple[TensorInfo, ...], where: str) -> tuple[Precision, list[str]]:
    volumes: dict[str, Counter[str]] = {}
    for tensor in tensors:
        name = next((name for part, name in _CLASSES if part in tensor.name), None)
        if name is not None and len(tensor.shape) >= _MATRIX_RANK:
            volumes.setdefault(name, Counter())[tensor.dtype] += tensor.num_bytes
    update: dict[str, object] = {}
    notes = []
    for name, kinds in volumes.items():
        dominant = kinds.most_common(1)[0][0]
        update[name] = _weight_format(dominant, where)
        if len(kinds) > 1:
            mix = ", ".join(kind for kind, _ in kinds.most_common())
            notes.append(f"{name.replace('_', ' ')} is stored in {mix}; lowered in {dominant}")
    update["dispatch"] = dispatch_format(WeightFormat(str(update.get("experts", WeightFormat.BF16))))
    return Precision.model_validate(update), notes


def _weight_format(kind: str, where: str) -> WeightFormat:
    name = _FORMATS.get(kind, kind)
    known: Callable[[str], WeightFormat] = WeightFormat
    try:
        return known(name)
    except ValueError:
        raise ModelConfigError(f"tensors of type {clipped(kind)} are not understood", where=where) from None
