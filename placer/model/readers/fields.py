"""Typed access to a ``config.json``: every field is either understood or refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from placer.errors import ModelConfigError, clipped, nearest_hint
from placer.model.precision import ElementFormat, Precision, WeightFormat
from placer.model.spec import MAX_LAYERS

_LARGEST_COUNT = 10_000_000
_DTYPES = {"bfloat16": WeightFormat.BF16, "float16": WeightFormat.BF16}


class ConfigFields:
    """A Hugging Face configuration with located errors."""

    def __init__(self, raw: Mapping[str, object], where: str) -> None:
        self._raw = raw
        self.where = where

    def error(self, field: str, message: str) -> ModelConfigError:
        """Return an error that names file and field."""
        return ModelConfigError(message, where=f"{self.where}: {field}")

    def get(self, field: str) -> object:
        """Return a field as it stands, or None."""
        return self._raw.get(field)

    def count(self, field: str, default: int | None = None) -> int:
        """Return a positive whole number; null counts as absent."""
        value = self._raw.get(field)
        if value is None:
            if default is None:
                raise self.error(field, f"missing{nearest_hint(field, self._raw)}")
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST_COUNT:
            raise self.error(field, f"expected a whole number from 1 to {_LARGEST_COUNT}, got {clipped(value)}")
        return value

    def num_layers(self) -> int:
        """Return the number of decoder layers."""
        value = self.count("num_hidden_layers")
        if value > MAX_LAYERS:
            raise self.error("num_hidden_layers", f"expected at most {MAX_LAYERS}, got {value}")
        return value

    def optional_count(self, field: str) -> int | None:
        """Return a positive whole number, or None where it is absent or null."""
        return None if self._raw.get(field) is None else self.count(field)

    def number_of(self, field: str) -> int:
        """Return how many of something there are; absent or null counts as none."""
        value = self._raw.get(field)
        is_none = value is None or (value == 0 and isinstance(value, int) and not isinstance(value, bool))
        return 0 if is_none else self.count(field)

    def flag(self, field: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._raw.get(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(field, f"expected true or false, got {clipped(value)}")
        return value

    def require(self, field: str, *, understood: object) -> None:
        """Refuse a field whose value would change the arithmetic in a way that is not modelled."""
        value = self._raw.get(field)
        if value is not None and value != understood:
            raise self.error(field, f"{clipped(value)} is not understood here, expected {understood!r}")

    def section(self, field: str) -> ConfigFields:
        """Return a nested object."""
        value = self._raw.get(field)
        if not isinstance(value, Mapping):
            raise self.error(field, f"expected an object, got {clipped(value)}")
        return ConfigFields(value, f"{self.where}: {field}")

    def names(self, field: str) -> list[str]:
        """Return a list of strings."""
        value = self._raw.get(field)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(field, f"expected a list of names, got {clipped(value)}")
        return list(value)


def read_precision(fields: ConfigFields) -> Precision:
    """Read the storage formats from ``torch_dtype`` and ``quantization_config``.

    Raises
    ------
    ModelConfigError
        For a data type or quantisation method that is not understood.
    """
    dtype = fields.get("torch_dtype") or fields.get("dtype") or "bfloat16"
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise fields.error("torch_dtype", f"{clipped(dtype)} is not understood, expected one of {sorted(_DTYPES)}")
    if fields.get("quantization_config") is None:
        return Precision()
    quantization = fields.section("quantization_config")
    method = quantization.get("quant_method")
    if method == "fp8":
        block = quantization.get("weight_block_size")
        if block not in (None, [128, 128]):
            raise quantization.error("weight_block_size", f"expected [128, 128], got {clipped(block)}")
        return Precision().with_weights(WeightFormat.FP8_BLOCK if block else WeightFormat.FP8)
    if method == "mxfp4":
        return Precision(experts=WeightFormat.MXFP4, dispatch=ElementFormat.BF16)
    raise quantization.error("quant_method", f'expected "fp8" or "mxfp4", got {clipped(method)}')
