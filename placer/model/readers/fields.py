"""Typed access to a ``config.json``: every field is either understood or refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from placer.errors import ModelConfigError, clipped, nearest_hint
from placer.model.precision import Precision, WeightFormat
from placer.model.readers.quantization import read_quantization
from placer.model.spec import MAX_LAYERS

_LARGEST_COUNT, _LARGEST_CONTEXT = 10_000_000, 10**12
_DTYPES = {"bfloat16": WeightFormat.BF16, "float16": WeightFormat.BF16}


class ConfigFields:
    """A Hugging Face configuration with located errors."""

    def __init__(self, raw: Mapping[str, object], where: str) -> None:
        self._raw = raw
        self._asked: set[str] = set()
        self.where = where

    def with_defaults(self, defaults: Mapping[str, object]) -> ConfigFields:
        """Return these fields, with defaults for those that are absent or null."""
        given = {field: value for field, value in self._raw.items() if value is not None}
        return self._other(dict(defaults) | given)

    def _other(self, raw: Mapping[str, object]) -> ConfigFields:
        fields = ConfigFields(raw, self.where)
        fields._asked = self._asked
        return fields

    def unread(self) -> list[str]:
        """Return the fields nobody asked for, null and empty ones left out."""
        return [field for field, value in self._raw.items() if field not in self._asked and value]

    def _value(self, field: str) -> object:
        self._asked.add(field)
        return self._raw.get(field)

    def error(self, field: str, message: str) -> ModelConfigError:
        """Return an error that names file and field."""
        return ModelConfigError(message, where=f"{self.where}: {field}")

    def get(self, field: str, default: object = None) -> object:
        """Return a field as it stands, or the default where it is absent or null."""
        value = self._value(field)
        return default if value is None else value

    def count(self, field: str, default: int | None = None) -> int:
        """Return a positive whole number; null counts as absent."""
        value = self._value(field)
        if value is None:
            if default is None:
                raise self.error(field, f"missing{nearest_hint(field, self._raw)}")
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST_COUNT:
            raise self.error(field, f"expected a whole number from 1 to {_LARGEST_COUNT}, got {clipped(value)}")
        return value

    def longest_context(self) -> int | None:
        """Return ``max_position_embeddings``, which may be larger than any other size; None where it is left out."""
        value = self._value("max_position_embeddings")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST_CONTEXT:
            message = f"expected a whole number from 1 to {_LARGEST_CONTEXT}, got {clipped(value)}"
            raise self.error("max_position_embeddings", message)
        return value

    def num_layers(self) -> int:
        """Return the number of decoder layers."""
        value = self.count("num_hidden_layers")
        if value > MAX_LAYERS:
            raise self.error("num_hidden_layers", f"expected at most {MAX_LAYERS}, got {value}")
        return value

    def optional_count(self, field: str) -> int | None:
        """Return a positive whole number, or None where it is absent or null."""
        return None if self._value(field) is None else self.count(field)

    def stated_count(self, field: str) -> int | None:
        """Return a positive whole number, or None for null; refuse a configuration that leaves the field out.

        For fields whose default in the reference code is not null.
        """
        self._assert_stated(field)
        return self.optional_count(field)

    def stated_number(self, field: str) -> int:
        """Return how many of something there are, null counting as none; refuse a configuration that leaves it out.

        For fields whose default in the reference code is not none.
        """
        self._assert_stated(field)
        return self.number_of(field)

    def _assert_stated(self, field: str) -> None:
        if field not in self._raw:
            raise self.error(field, f"missing{nearest_hint(field, self._raw)}")

    def number_of(self, field: str) -> int:
        """Return how many of something there are; absent or null counts as none."""
        value = self._value(field)
        is_none = value is None or (value == 0 and isinstance(value, int) and not isinstance(value, bool))
        return 0 if is_none else self.count(field)

    def flag(self, field: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._value(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(field, f"expected true or false, got {clipped(value)}")
        return value

    def require(self, field: str, *, understood: object) -> None:
        """Refuse a field whose value would change the arithmetic in a way that is not modelled."""
        value = self._value(field)
        if value is not None and value != understood:
            raise self.error(field, f"{clipped(value)} is not understood here, expected {understood!r}")

    def require_all(self, field: str, *, understood: object) -> None:
        """Refuse a list with an entry whose value would change the arithmetic in a way that is not modelled."""
        value = self._value(field)
        others = [item for item in value if item != understood] if isinstance(value, list) else value
        if others:
            raise self.error(field, f"{clipped(others)} is not understood here, expected {understood!r} throughout")

    def section(self, field: str) -> ConfigFields:
        """Return a nested object."""
        value = self._value(field)
        if not isinstance(value, Mapping):
            raise self.error(field, f"expected an object, got {clipped(value)}")
        return ConfigFields(value, f"{self.where}: {field}")

    def names(self, field: str) -> list[str]:
        """Return a list of strings."""
        value = self._value(field)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(field, f"expected a list of names, got {clipped(value)}")
        return list(value)


def read_precision(fields: ConfigFields, layers: Mapping[str, Sequence[int]]) -> Precision:
    """Read the storage formats from ``torch_dtype`` and ``quantization_config``.

    ``layers`` are those that have modules of a class, by class.

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
    return read_quantization(fields, layers)
