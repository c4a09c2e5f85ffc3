"""Which reader understands which ``model_type``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pydantic import ValidationError

from placer.errors import ModelConfigError, clipped, nearest_hint
from placer.model.readers import (
    deepseek,
    deepseek_v4,
    gemma,
    glm4_moe,
    gpt_oss,
    jamba,
    llama,
    llama4,
    minimax_m2,
    minimax_m3,
    mixtral,
    nemotron_h,
    olmoe,
    phimoe,
    qwen3,
    qwen3_next,
)
from placer.model.readers.fields import ConfigFields
from placer.model.readers.harmless import HARMLESS
from placer.model.spec import ModelSpec

Reader = Callable[[ConfigFields, str], ModelSpec]

READERS: dict[str, Reader] = {
    model_type: module.read
    for module in (
        *(llama, mixtral, deepseek, deepseek_v4, qwen3, qwen3_next, gpt_oss, llama4),
        *(gemma, glm4_moe, minimax_m2, minimax_m3, phimoe, olmoe, jamba, nemotron_h),
    )
    for model_type in module.MODEL_TYPES
}
#: Multimodal models, whose ``text_config`` is read; with the type it has where it does not say.
TEXT_TOWERS = {
    "llama4": "llama4_text",
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "qwen3_5": "qwen3_5_text",
    "kimi_k25": "kimi_k2",
}
#: What a text tower takes from around it where it does not say itself.
_OUTER_FIELDS = ("torch_dtype", "dtype", "quantization_config", "tie_word_embeddings")
#: Families that cannot be lowered, and why.
REFUSED = {
    "kimi_k3": "its config leaves open how attention residuals and full-rank gates are shaped, and no public code says",
}
#: Names of fields that may change shapes.
_SHAPES = re.compile(
    r"(_sizes?|_dims?|_ranks?|_heads|_layers?|_interval|_freq|_period|_offset|_experts?|_kernel|_groups|_mult|_bias"
    r"|_ratios?|_streams|_depth|_width|_pattern|_blocks?)$|^(num|n)_"
)


def read_config(raw: Mapping[str, object], *, name: str, where: str) -> ModelSpec:
    """Read a Hugging Face ``config.json``.

    Parameters
    ----------
    raw
        The parsed file.
    name
        What the model is to be called.
    where
        The file, for messages.

    Raises
    ------
    ModelConfigError
        For an unknown ``model_type``, a missing field, or a value that is not understood.
    """
    raw = _text_tower(raw, where)
    fields, model_type = ConfigFields(raw, where), raw.get("model_type")
    if isinstance(model_type, str) and model_type in REFUSED:
        raise fields.error("model_type", f"{model_type} cannot be lowered exactly: {REFUSED[model_type]}")
    if not isinstance(model_type, str) or model_type not in READERS:
        known = [*READERS, *TEXT_TOWERS]
        hint = nearest_hint(str(model_type), known)
        raise fields.error("model_type", f"{clipped(model_type)} is not known, expected one of {sorted(known)}{hint}")
    try:
        spec = READERS[model_type](fields, name)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ": ".join([where, *(str(part) for part in first["loc"][:1])])
        raise ModelConfigError(first["msg"].removeprefix("Value error, "), where=place) from error
    _refuse_unread(fields, model_type)
    return spec


def _text_tower(raw: Mapping[str, object], where: str) -> Mapping[str, object]:
    """Return the text tower of a multimodal configuration, and any other as it is."""
    model_type, tower = raw.get("model_type"), raw.get("text_config")
    if not isinstance(model_type, str) or model_type not in TEXT_TOWERS:
        return raw
    if tower is None and "hidden_size" in raw:
        return {**raw, "model_type": TEXT_TOWERS[model_type]}
    if not isinstance(tower, Mapping):
        raise ModelConfigError(f"expected an object, got {clipped(tower)}", where=f"{where}: text_config")
    outer = {field: raw[field] for field in _OUTER_FIELDS if raw.get(field) is not None}
    inner = {field: value for field, value in tower.items() if value is not None}
    return {"model_type": TEXT_TOWERS[model_type]} | outer | inner


def _refuse_unread(fields: ConfigFields, model_type: str) -> None:
    for field in fields.unread():
        if _SHAPES.search(field) and field not in HARMLESS:
            value = clipped(fields.get(field))
            raise fields.error(field, f"{value} may change shapes and is not understood for {model_type}")
