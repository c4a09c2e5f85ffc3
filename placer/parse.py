"""Parsing YAML and JSON: malformed, repeated, endless and not-a-number input is refused with its place."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import yaml

from placer.errors import InputError

_DEEPEST = 100
_MOST_VALUES = 10_000_000
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_mapping(text: str, where: str, *, allow_infinity: bool = False) -> dict[str, Any]:
    """Parse YAML or JSON text whose top level is a mapping.

    Parameters
    ----------
    text
        The text; it is read as JSON where it starts with a brace, unless ``where`` ends in ``.yaml``.
    where
        The file, for messages.
    allow_infinity
        Whether JSON may hold ``Infinity``, as Python writes it.

    Raises
    ------
    InputError
        With line and column for malformed text; for repeated keys, and aliases that expand without end; or if
        the top level is something else.
    """
    if not text.strip():
        raise InputError("is empty", where=where)
    is_json = text.lstrip().startswith("{") and not where.endswith((".yaml", ".yml"))
    try:
        raw = _parse_json(text, allow_infinity=allow_infinity) if is_json else _parse_yaml(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"malformed JSON at line {error.lineno}, column {error.colno}: {error.msg}", where=where
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"malformed YAML{place}: {error.problem}", where=where) from error
    except RecursionError as error:
        raise InputError("is nested too deeply", where=where) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        reason = getattr(error, "reason", None) or str(error).partition("\n")[0]
        raise InputError(f"malformed: {reason}", where=where) from error
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise InputError(f"expected named fields at the top level, got {type(raw).__name__}", where=where)
    return raw


def _parse_json(text: str, *, allow_infinity: bool) -> Any:
    constant = _infinity if allow_infinity else _refuse_constant
    return json.loads(text, parse_constant=constant, object_pairs_hook=_without_repeats)


def _infinity(name: str) -> float:
    return _refuse_constant(name) if name == "NaN" else float(name)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'"{repeated}" is given twice')
    return mapping


def _parse_yaml(text: str) -> Any:
    _check_depth(text)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if _checked_size(root, {}) > _MOST_VALUES:
            raise ValueError(f"aliases expand to more than {_MOST_VALUES} values")
        return None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _check_depth(text: str) -> None:
    # libyaml composes recursively in C: text nested a hundred thousand deep ends the process.
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"is nested more than {_DEEPEST} deep")


def _checked_size(node: yaml.Node | None, sizes: dict[int, int]) -> int:
    """Return how many values there are when every alias is written out; refuse a key given twice."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in sizes:
        sizes[id(node)] = _MOST_VALUES  # an alias to what it stands in never ends
        inner = node.value
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
            inner = [value for _, value in node.value]
        sizes[id(node)] = 1 + sum(_checked_size(item, sizes) for item in inner)
    return sizes[id(node)]


def _check_keys(node: yaml.MappingNode) -> None:
    keys = set()
    for key, _ in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name is not None and name in keys and name != "<<":
            raise yaml.MarkedYAMLError(problem=f'"{name}" is given twice', problem_mark=key.start_mark)
        keys.add(name)
