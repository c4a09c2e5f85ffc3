"""Reading and writing files so that a user learns what is wrong and nothing is left half-written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from placer.errors import InputError, nearest_hint

_LARGEST_FILE_BYTES = 512 * 2**20
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Model = TypeVar("Model", bound=BaseModel)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    InputError
        If it is absent, a directory, unreadable, larger than 512 MiB, or no UTF-8 text.
    """
    where = str(path)
    if path.is_dir():
        raise InputError("is a directory, expected a file", where=where)
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise InputError("is larger than 512 MiB", where=where)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError("no such file", where=where) from error
    except UnicodeDecodeError as error:
        raise InputError("is no UTF-8 text (a binary file?)", where=where) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=where) from error
    if "\x00" in text:
        raise InputError("is a binary file, expected text", where=where)
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def parse_mapping(text: str, where: str) -> dict[str, Any]:
    """Parse YAML or JSON text whose top level is a mapping.

    Raises
    ------
    InputError
        With line and column for malformed text, or if the top level is something else.
    """
    try:
        if text.lstrip().startswith("{"):
            raw = json.loads(text, parse_constant=_refuse_constant)
        else:
            raw = yaml.load(text, Loader=_Loader)
    except json.JSONDecodeError as error:
        raise InputError(
            f"malformed JSON at line {error.lineno}, column {error.colno}: {error.msg}", where=where
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"malformed YAML{place}: {error.problem}", where=where) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"malformed: {error}".splitlines()[0], where=where) from error
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise InputError(f"expected named fields at the top level, got {type(raw).__name__}", where=where)
    return raw


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON file whose top level is a mapping; see `read_text` and `parse_mapping`."""
    return parse_mapping(read_text(path), str(path))


def field_path(location: tuple[int | str, ...]) -> str:
    """Return ``pools[1].device`` for ``("pools", 1, "device")``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _known_fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the field names of the class an error lies in, as far as they can be told."""
    names = list(model.model_fields)
    for part in location[:-1]:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        inner = [kind for kind in _classes_in(annotation) if issubclass(kind, BaseModel)]
        if isinstance(part, str) and inner:
            model, names = inner[0], list(inner[0].model_fields)
    return names


def _classes_in(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not getattr(annotation, "__args__", None):
        return [annotation]
    return [kind for part in getattr(annotation, "__args__", ()) for kind in _classes_in(part)]


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
        problems = []
        for item in error.errors()[:5]:
            location = item["loc"]
            message = item["msg"].removeprefix("Value error, ")
            if item["type"] == "extra_forbidden":
                message = f"unknown field{nearest_hint(str(location[-1]), _known_fields(model, location))}"
            elif item["type"] == "missing":
                message = "missing"
            elif item["type"] not in {"value_error", "assertion_error"}:
                message += f", got {_clipped(item['input'])}"
            problems.append(f"{field_path(location)}: {message}" if location else message)
        raise InputError("; ".join(problems), where=where) from error


def _clipped(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def write_atomic(path: Path, text: str) -> None:
    """Write a file whole or not at all: a temporary file beside it, flushed, then renamed.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
