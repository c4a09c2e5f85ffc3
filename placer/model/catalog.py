"""Finding a model: a catalog name, an alias, a ``config.json``, or a file in our own schema."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from placer.errors import InputError, ModelConfigError, nearest_hint
from placer.files import is_existing, read_mapping
from placer.model.checkpoint.gguf import read_gguf
from placer.model.checkpoint.safetensors import read_folder
from placer.model.checkpoint.tensors import TensorList
from placer.model.hub import fetch_config, is_hub_id
from placer.model.precision import ElementFormat, WeightFormat
from placer.model.readers.registry import read_config
from placer.model.spec import ModelSpec
from placer.paths import catalog_root
from placer.validate import validated


@cache
def model_paths() -> dict[str, Path]:
    """Return the catalog: Hub id of every model in ``graphs/`` and its file."""
    root = catalog_root() / "graphs"
    return {str(path.relative_to(root).with_suffix("")): path for path in sorted(root.rglob("*.yaml"))}


@cache
def _names() -> dict[str, Path]:
    names = {name.casefold(): path for name, path in model_paths().items()}
    for path in model_paths().values():
        for alias in _read_spec(path).aliases:
            names.setdefault(alias.casefold(), path)
    return names


@cache
def _read_spec(path: Path) -> ModelSpec:
    return validated(ModelSpec, read_mapping(path), str(path))


def load_model(name: str) -> ModelSpec:
    """Return a model by catalog name, alias or path.

    Parameters
    ----------
    name
        A Hub id such as ``deepseek-ai/DeepSeek-V3`` (letter case does not matter), an alias such as
        ``deepseek-v3``, the path of a Hugging Face ``config.json``, or of a file in our schema.

    Raises
    ------
    ModelConfigError
        If there is no such model, or its configuration cannot be lowered exactly.
    """
    path = Path(name)
    exact = model_paths().get(name)
    if exact is not None:
        return _read_spec(exact)
    if path.suffix in {".json", ".yaml", ".yml"}:
        return read_model_file(path)
    known = _names()
    if name.casefold() in known:
        return _read_spec(known[name.casefold()])
    if path.suffix == ".gguf":
        return read_gguf(path)[0]
    if is_existing(path):
        return read_model_file(_config_of(path) if path.is_dir() else path)
    return _quantised(name) or _elsewhere(name, nearest_hint(name, [*model_paths(), *known]))


def _elsewhere(name: str, hint: str) -> ModelSpec:
    if is_hub_id(name):
        return _from_hub(name, hint)
    raise ModelConfigError(f'unknown model "{name}"{hint}; `placer models list` shows them, or pass a config.json')


#: Formats that checkpoints are named after: NVIDIA's are per tensor, those of a model's own makers blockwise.
_SUFFIXES = {
    "-fp8": (WeightFormat.FP8_BLOCK, WeightFormat.FP8),
    "-nvfp4": (WeightFormat.NVFP4, WeightFormat.NVFP4),
    "-fp4": (WeightFormat.NVFP4, WeightFormat.NVFP4),
}


def _quantised(name: str) -> ModelSpec | None:
    """Return a quantised checkpoint of a model of the catalog, told by its name, such as ``Qwen3-235B-A22B-FP8``."""
    owner, _, short = name.casefold().rpartition("/")
    known = {full.rpartition("/")[2].casefold(): path for full, path in _names().items()}
    for suffix, (own, nvidia) in _SUFFIXES.items():
        path = known.get(short.removesuffix(suffix)) if short.endswith(suffix) else None
        if path is not None:
            spec, stored = _read_spec(path), nvidia if owner == "nvidia" else own
            precision = spec.precision.with_weights(stored)
            precision = precision.with_kv(ElementFormat.FP8) if owner == "nvidia" else precision
            return spec.model_copy(update={"name": name, "precision": precision})
    return None


def load_stored(name: str) -> tuple[ModelSpec, TensorList | None]:
    """Return a model as `load_model` does and, of a checkpoint folder or GGUF file, the tensors it stores.

    Raises
    ------
    ModelConfigError
        If there is no such model, it cannot be lowered exactly, or its tensors cannot be read.
    """
    path = Path(name)
    if path.suffix == ".gguf":
        return read_gguf(path)
    return load_model(name), read_folder(path) if path.is_dir() else None


def _from_hub(name: str, hint: str) -> ModelSpec:
    try:
        path = fetch_config(name)
    except ModelConfigError as error:
        raise ModelConfigError(error.message + hint, where=error.where) from error
    spec = read_model_file(path)
    return spec.model_copy(update={"name": name, "source": f"config.json of {name} on the Hub"})


def _config_of(folder: Path) -> Path:
    path = folder / "config.json"
    if not path.is_file():
        raise ModelConfigError("is a directory without a config.json", where=str(folder))
    return path


def _with_modelopt(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with what modelopt wrote beside it, where it has no ``quantization_config`` itself."""
    beside = path.parent / "hf_quant_config.json"
    if "model_type" not in raw or raw.get("quantization_config") is not None or not beside.is_file():
        return raw
    quantization = read_mapping(beside).get("quantization")
    if not isinstance(quantization, dict):
        raise ModelConfigError("expected an object", where=f"{beside}: quantization")
    return raw | {"quantization_config": {"quant_method": "modelopt"} | quantization}


def read_model_file(path: Path) -> ModelSpec:
    """Read a ``config.json`` (it has a ``model_type``) or a file in our schema.

    Raises
    ------
    ModelConfigError
        If the file cannot be read, parsed or understood.
    """
    try:
        raw = _with_modelopt(path, read_mapping(path, allow_infinity=True))
        if "model_type" in raw:
            name = path.parent.name if path.stem == "config" and path.parent.name else path.stem
            return read_config(raw, name=name.replace("__", "/", 1), where=str(path))
        return validated(ModelSpec, raw, str(path))
    except ModelConfigError:
        raise
    except InputError as error:
        raise ModelConfigError(error.message, where=error.where) from error
