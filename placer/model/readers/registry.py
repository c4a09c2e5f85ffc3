"""Which reader understands which ``model_type``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import ValidationError

from placer.errors import ModelConfigError, clipped, nearest_hint
from placer.model.readers import deepseek_v3, gpt_oss, llama, mixtral, qwen3_moe
from placer.model.readers.fields import ConfigFields
from placer.model.spec import ModelSpec

Reader = Callable[[ConfigFields, str], ModelSpec]

READERS: dict[str, Reader] = {
    model_type: module.read
    for module in (llama, mixtral, deepseek_v3, qwen3_moe, gpt_oss)
    for model_type in module.MODEL_TYPES
}


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
    fields = ConfigFields(raw, where)
    model_type = raw.get("model_type")
    if not isinstance(model_type, str) or model_type not in READERS:
        hint = nearest_hint(str(model_type), READERS)
        raise fields.error("model_type", f"{clipped(model_type)} is not known, expected one of {sorted(READERS)}{hint}")
    try:
        return READERS[model_type](fields, name)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ": ".join([where, *(str(part) for part in first["loc"][:1])])
        raise ModelConfigError(first["msg"].removeprefix("Value error, "), where=place) from error
