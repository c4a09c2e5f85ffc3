"""Validating parsed input against a pydantic model, with messages that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from placer.errors import InputError, clipped, nearest_hint

Model = TypeVar("Model", bound=BaseModel)
_MOST_PROBLEMS = 5


def validated(model: type[Model], raw: Mapping[str, Any], where: str) -> Model:
    """Return ``raw`` as a validated model.

    Raises
    ------
    InputError
        Naming file, field, what was expected and, for an unknown field, the nearest known one. Where several
        fields are wrong, up to five are listed.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        findings = error.errors(include_url=False)
        problems = [_problem(model, raw, item) for item in findings[:_MOST_PROBLEMS]]
        if len(findings) > _MOST_PROBLEMS:
            problems.append(f"and {len(findings) - _MOST_PROBLEMS} more")
        raise InputError("; ".join(problems), where=where) from error


def _problem(model: type[BaseModel], raw: Mapping[str, Any], item: ErrorDetails) -> str:
    location = field_path(_written_location(raw, item["loc"]))
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = f"unknown field{nearest_hint(str(item['loc'][-1]), _known_fields(model, item['loc']))}"
    elif item["type"] == "missing":
        message = "missing"
    elif item["type"] not in {"value_error", "assertion_error"}:
        message += f", got {clipped(item['input'])}"
    return f"{location}: {message}" if location else message


def field_path(location: tuple[int | str, ...]) -> str:
    """Return the place of a field as a user would write it.

    >>> field_path(("pools", 1, "device"))
    'pools[1].device'
    """
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _written_location(raw: Any, location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return a location less the parts pydantic adds: the tag of a union, the mark of a mapping's key."""
    written: list[int | str] = []
    for index, part in enumerate(location):
        is_last = index == len(location) - 1
        if isinstance(raw, Mapping) and part not in raw and (not is_last or part == "[key]"):
            continue
        if part == "[key]" or isinstance(raw, str | float):
            continue
        written.append(part)
        if isinstance(raw, Mapping):
            raw = raw.get(part)
        elif isinstance(raw, list | tuple) and isinstance(part, int):
            raw = raw[part] if part < len(raw) else None
    return tuple(written)


def _known_fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the field names of the class an error lies in, as far as they can be told."""
    names = list(model.model_fields)
    for part in location[:-1]:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        inner = [kind for kind in _classes_in(annotation) if issubclass(kind, BaseModel)]
        if inner:
            model, names = inner[0], [name for kind in inner for name in kind.model_fields]
    return names


def _classes_in(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not getattr(annotation, "__args__", None):
        return [annotation]
    return [kind for part in getattr(annotation, "__args__", ()) for kind in _classes_in(part)]
